# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The evaluator does what Microsoft's about_* pages say of Windows PowerShell 5.1."""

from __future__ import annotations

import json
import typing as t

import pytest

from .conftest import make_host, run

Host = t.Any


# about_Arrays, about_Pipelines, about_Operators, about_Return.
@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("$a = @(1); $a.GetType().FullName; $b = $(1); $b.GetType().Name", ["System.Object[]", "Int32"]),
        ("(,@(1,2)).Count; @($null).Count; @().Count; $null.Count; (5).Count", ["1", "1", "0", "0", "1"]),
        (
            "function f { return ,@(1) }; (f).GetType().Name; function g { @(1) }; (g).GetType().Name",
            ["Object[]", "Int32"],
        ),
        ("function n { }; $x = n; $null -eq $x; @($x).Count; @(n).Count", ["True", "0", "0"]),
        ("$x = foreach ($i in 1..3) { if ($i -eq 2) { continue }; $i }; $x -join ','", ["1,3"]),
        ("$a, $b, $c = 1, 2, 3, 4; $a; $b; $c -join '/'", ["1", "2", "3/4"]),
        ("1, 2, 3 -eq 2; (1, 2 -contains 2); 2 -in 1, 2; (1,2,2 -ne 2).Count", ["2", "True", "True", "1"]),
        ("$x = 1..5; $x[-1]; $x[1..2] -join ','; $x[9] -eq $null", ["5", "2,3", "True"]),
        ("@(1,2) + 3 -join '+'; 'a' + 1; '2' * 3; 7 / 2; 6 / 2; 7 % 4", ["1+2+3", "a1", "222", "3.5", "3", "3"]),
        (
            "'a,b;c' -split '[,;]' -join '|'; ('a1b2' -replace '(\\d)', '<$1>'); 'ABC' -replace 'b'",
            ["a|b|c", "a<1>b<2>", "AC"],
        ),
        (
            "'Abc' -eq 'aBC'; 'Abc' -ceq 'abc'; '10' -eq 10; 10 -eq '10'; 'abc' -like 'A*'",
            ["True", "False", "True", "True", "True"],
        ),
        (
            "[int]'5' + 1; [int]2.5; [int]3.5; [bool]'False'; [bool]0; [string]$null -eq ''",
            ["6", "2", "4", "True", "False", "True"],
        ),
        ("0xFF; 1kb; -5; 1.5; 10 -band 6; 1 -bor 4", ["255", "1024", "-5", "1.5", "2", "5"]),
        ("'{0:X2}|{1,5}|{2:N1}|{3:D3}' -f 10, 'a', 1234.5, 7", ["0A|    a|1,234.5|007"]),
        (
            "if ('abc' -match 'b(?<x>.)') { $Matches['x']; $Matches[0] }; 'zzz' -match 'b'; $Matches['x']",
            ["c", "bc", "False", "c"],
        ),
        ('$h = @{ a = 1 }; "v=$($h.a) $($h[\'a\'] + 1) `$x `t|""q"""', ['v=1 2 $x \t|"q"']),
        ('$x = 5; "$x.y"; \'$x\'; "${x}z"; @"\nhere $x\n"@', ["5.y", "$x", "5z", "here 5"]),
        ("switch ('b', 'q') { 'a' { 1 } 'B' { 2 } default { 9 } }", ["2", "9"]),
        ("$i = 0; do { $i++ } while ($i -lt 3); $i; while ($true) { $i--; if (-not $i) { break } }; $i", ["3", "0"]),
        ("$s = 0; for ($i = 1; $i -le 4; $i++) { $s += $i }; $s", ["10"]),
        ("& { param($a, $b = 7) \"$a $b\" } 1; & ([ScriptBlock]::Create('$args.Count')) 1 2 3", ["1 7", "3"]),
        (
            'function f { param([int]$n, [switch]$s) "$n $s" }; f -s -n 3; f 4; $p = @{ n = 8 }; f @p',
            ["3 True", "4 False", "8 False"],
        ),
        (
            "$x = 1; function f { $x = 2; $script:y = $x }; f; $x; $y; & { $x = 9 }; $x; . { $x = 9 }; $x",
            ["1", "2", "1", "9"],
        ),
        ("1..4 | Where-Object { $_ % 2 } | ForEach-Object { $_ * 10 } | Select-Object -First 1", ["10"]),
        ("'b', 'a', 'B' | Sort-Object -Unique; (3, 1, 2 | Sort-Object -Descending) -join ''", ["a", "b", "321"]),
        (
            "$o = [pscustomobject]@{ Name = 'n'; V = 1 }; $o.name; $o.V = 2; $o.v; \"$o\"; $o.none -eq $null",
            ["n", "2", "@{Name=n; V=2}", "True"],
        ),
        (
            "$o = @([pscustomobject]@{ k = 1 }, [pscustomobject]@{ k = 2 }); $o.k -join ','; ($o | Measure-Object).Count",  # noqa: E501
            ["1,2", "2"],
        ),
        (
            "$o = [ordered]@{ z = 1; a = 2 }; $o.Keys -join ','; $o[0]; $o['a']; $o.Contains('z')",
            ["z,a", "1", "2", "True"],
        ),
        ("$l = New-Object System.Collections.ArrayList; $l.Add(5); [void]$l.Add(6); $l.Count", ["0", "2"]),
        (
            "$b = [Text.Encoding]::UTF8.GetBytes('hi'); $b.GetType().FullName; [Convert]::ToBase64String($b); $b.Length",  # noqa: E501
            ["System.Byte[]", "aGk=", "2"],
        ),
        (
            "(Get-Date).ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ'); [DateTime]::UtcNow.ToString('o')",
            ["2026-06-01T00:00:00Z", "2026-06-01T00:00:00.0000000Z"],
        ),
        ('$input | ForEach-Object { "<$_>" }', ["<one>", "<two>"]),
        ("$x = if ($false) { 1 } else { 'no' }; $x; $y = switch (1) { 1 { 'sw' } }; $y", ["no", "sw"]),
        (
            "$v = 'x'; $v.PadLeft(3, '.'); ' a '.Trim(); 'abc'.Substring(1, 1); 'a b'.Split(' ').Count; 'x'.Length",
            ["..x", "a", "b", "2", "1"],
        ),
        (
            "[guid]::NewGuid().ToString().Length; [IO.Path]::Combine('C:\\a', 'b.txt'); Join-Path 'C:\\a' 'b'",
            ["36", "C:\\a\\b.txt", "C:\\a\\b"],
        ),
    ],
)
def test_language(host: Host, script: str, lines: list[str]) -> None:
    ran = run(host, script, "one", "two")
    assert (ran.limit, ran.errors) == ("", "")
    assert ran.lines == lines


# about_Try_Catch_Finally, about_Throw, about_Preference_Variables.
@pytest.mark.parametrize(
    ("script", "lines", "code"),
    [
        ("Get-Item C:\\nope; 'on'", ["on"], 0),
        ("Get-Item C:\\nope", [], 1),
        ("$ErrorActionPreference = 'Stop'; Get-Item C:\\nope; 'not reached'", [], 1),
        ("Get-Item C:\\nope -ErrorAction SilentlyContinue; 'on'; $Error.Count", ["on", "1"], 0),
        ("Get-Item C:\\nope -ErrorAction Ignore; $Error.Count", ["0"], 0),
        ("[int]::Parse; 'on'", [], 1),
        ("[Convert]::FromBase64String('!'); 'on'", ["on"], 0),
        ("throw 'x'; 'not reached'", [], 1),
        ("try { throw 'bad' } catch { \"c $_\" } finally { 'f' }", ["c bad", "f"], 0),
        (
            "try { Get-Item C:\\n -ErrorAction Stop } catch [System.Management.Automation.ItemNotFoundException] { 'typed' }",  # noqa: E501
            ["typed"],
            0,
        ),
        (
            "try { [Convert]::FromBase64String('!') } catch [System.FormatException] { $_.Exception.GetType().Name }",
            ["FormatException"],
            0,
        ),
        (
            "try { [Convert]::FromBase64String('!') } catch { $_.Exception.GetType().Name; $_.Exception.InnerException.GetType().Name }",  # noqa: E501
            ["MethodInvocationException", "FormatException"],
            0,
        ),
        ("try { try { throw 'in' } finally { 'f' } } catch { $_.Exception.Message }", ["f", "in"], 0),
        ("try { try { throw 'a' } catch { throw } } catch { \"again $_\" }", ["again a"], 0),
        (
            "function f { throw 'deep' }; try { f; 'no' } catch { $_.Exception.GetType().FullName }",
            ["System.Management.Automation.RuntimeException"],
            0,
        ),
        ("$x = $null; try { $x.Foo() } catch { $_.FullyQualifiedErrorId }", ["InvokeMethodOnNull"], 0),
        ("Write-Error 'e' -ErrorAction SilentlyContinue; $?", ["False"], 0),
        ("& { Write-Error 'e' } 2>&1 | ForEach-Object { $_.GetType().Name + $_ }", ["ErrorRecorde"], 0),
        ("Write-Error 'e' 2>$null; 'on'", ["on"], 0),
        ("exit 7; 'not reached'", [], 7),
        ("whoami.exe | Out-Null; $LASTEXITCODE", ["0"], 0),
        ("certutil -repairstore My 00 > $null; $LASTEXITCODE", ["-2146885628"], 0),
    ],
)
def test_errors(host: Host, script: str, lines: list[str], code: int) -> None:
    ran = run(host, script)
    assert (ran.lines, ran.code) == (lines, code) or ran.limit, ran
    if ran.limit:
        assert "[int]::Parse" in script


def test_a_colon_behind_a_variable_is_no_text(host: Host) -> None:
    ran = run(host, "'not run'; $x = 1; \"$x: y\"")
    assert (ran.lines, ran.code, ran.limit) == ([], 1, "")
    assert "':' was not followed by a valid variable name character" in ran.errors
    assert run(host, '$x = 1; "${x}: y"; "$env:TEMP"').lines[0] == "1: y"


# ConvertTo-Json of 5.1, with its depth of 2, its escapes and its alignment.
@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("@(1) | ConvertTo-Json -Compress; ConvertTo-Json @(1) -Compress; @() | ConvertTo-Json", ["1", "[1]"]),
        ("ConvertTo-Json @() -Compress; $null | ConvertTo-Json", ["[]", "null"]),
        (
            "@{ a = @{ b = @{ c = @{ d = 1 } } } } | ConvertTo-Json -Compress",
            ['{"a":{"b":{"c":"System.Collections.Hashtable"}}}'],
        ),
        ("@{ a = @{ b = @{ c = @{ d = 1 } } } } | ConvertTo-Json -Compress -Depth 3", ['{"a":{"b":{"c":{"d":1}}}}']),
        (
            'ConvertTo-Json ([ordered]@{ s = "<\'&>"; n = $null; t = $true; e = [DateTimeKind]::Utc }) -Compress',
            ['{"s":"\\u003c\\u0027\\u0026\\u003e","n":null,"t":true,"e":1}'],
        ),
        (
            "[pscustomobject]@{ a = 1; b = @('x') } | ConvertTo-Json",
            ["{", '    "a":  1,', '    "b":  [', '              "x"', "          ]", "}"],
        ),
        ("'[1,2]' | ConvertFrom-Json | ForEach-Object { $_.Count }", ["2"]),
        (
            '$o = \'{"a":{"b":[1,2]},"n":null}\' | ConvertFrom-Json; $o.a.b[1]; $null -eq $o.n; $o.a.GetType().Name',
            ["2", "True", "PSCustomObject"],
        ),
        ("ConvertTo-Json ([datetime]'2026-06-01T00:00:00Z') -Compress", ['"\\/Date(1780272000000)\\/"']),
    ],
)
def test_json(host: Host, script: str, lines: list[str]) -> None:
    ran = run(host, script)
    assert (ran.limit, ran.lines) == ("", lines)


# about_Character_Encoding of 5.1: ANSI without an encoding, a mark with UTF8, none from WriteAllText.
def test_files(host: Host) -> None:
    script = r"""
    $p = Join-Path $env:TEMP 'a.txt'
    Set-Content -Path $p -Value 'hi', 'there' -Encoding UTF8
    (Get-Content $p).Count; [IO.File]::ReadAllBytes($p)[0]; (Get-Content $p -Raw).Length
    [IO.File]::WriteAllText($p, 'x'); [IO.File]::ReadAllBytes($p).Length
    'y' | Out-File $p; [IO.File]::ReadAllBytes($p)[0]
    Test-Path $p; Remove-Item $p; Test-Path $p
    $d = New-Item -ItemType Directory -Path "$env:TEMP\d"; $d.PSIsContainer
    Set-Content "$env:TEMP\d\f" 1; try { Remove-Item "$env:TEMP\d" } catch { 'asks' }
    Remove-Item "$env:TEMP\d" -Recurse -Force; Test-Path "$env:TEMP\d"
    """
    ran = run(host, script)
    assert ran.lines == ["2", "239", "11", "1", "255", "True", "False", "True", "asks", "False"], ran


@pytest.mark.parametrize(
    "script",
    [
        "Get-NetTCPConnection",
        "[System.Net.WebClient]::new()",
        "$x = 'a'.Normalize()",
        "Get-Item HKLM:\\Software",
        "Get-ChildItem Cert:\\CurrentUser\\My",
        "Get-Item C:\\Windows -Stream x",
        "trap { 1 }",
        "netsh http delete sslcert ipport=0.0.0.0:443",
        "[pscustomobject]@{ a = 1 }",
        "$s = [Console]::In.ReadToEnd()",
        "$x = $a ? 1 : 2",
        "$MyInvocation",
    ],
)
def test_what_is_not_simulated_is_loud(host: Host, script: str) -> None:
    ran = run(host, script)
    assert ran.code == 1
    assert ran.limit.startswith("Limit of the simulator: ")
    assert ran.limit.endswith(" is not simulated.")


# 5.1 quotes what has blanks, escapes no quotes and drops what is empty (about_Parsing); Start-Process quotes nothing.
@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("& 'C:\\x\\p.exe' a 'b c' \"\" -d:e", ["a", "b c", "-d:e"]),
        ("C:\\x\\p.exe ('{\"a\":1}') @(1, 2)", ["{a:1}", "1", "2"]),
        ("Start-Process C:\\x\\p.exe -ArgumentList 'a b', '\"c d\"' -Wait", ["a", "b", "c d"]),
    ],
)
def test_arguments_of_programs(host: Host, call: str, expected: list[str]) -> None:
    seen: list[str] = []

    def program(_host: Host, argv: t.Sequence[str]) -> tuple[int, str]:
        seen.extend(argv)
        return 3, "out\r\n"

    host.programs["C:\\x\\p.exe"] = program
    assert run(host, "Test-Path C:\\x\\p.exe").lines == ["True"]
    assert run(host, call).limit == ""
    assert seen == expected
    ran = run(host, "$p = Start-Process C:\\x\\p.exe -Wait -PassThru; $p.ExitCode; C:\\x\\p.exe; $LASTEXITCODE")
    assert ran.lines == ["3", "out", "3"]
    # Without -Wait the exit code is lost unless the handle was asked for: a known trap of 5.1.
    lost = "$p = Start-Process C:\\x\\p.exe -PassThru; $p.WaitForExit(); $null -eq $p.ExitCode"
    assert run(host, lost).lines == ["True"]


def test_services_and_cim(host: Host) -> None:
    from ansible_collections.camsec.fleet.extensions.simulator._windows_parts import Process, Service

    host.services["Rec"] = Service(name="Rec", display_name="A Recorder", account="NT AUTHORITY\\NETWORK SERVICE")
    host.processes.append(Process(id=11, name="Tool"))
    script = r"""
    (Get-Service Rec).Status -eq 'Running'; (Get-Service -DisplayName 'A R*').Name; (Get-Service Rec).StartType
    (Get-CimInstance Win32_Service -Filter "Name='Rec'").StartName
    (Get-CimInstance -ClassName Win32_Service | Where-Object Name -eq 'Rec').State
    Get-Process Tool | Stop-Process -Force; @(Get-Process).Count
    Stop-Service Rec; (Get-Service Rec).Status; Start-Service -Name Rec; "$((Get-Service Rec).Status)"
    """
    ran = run(host, script)
    account = "NT AUTHORITY\\NETWORK SERVICE"
    assert ran.lines == ["True", "Rec", "Automatic", account, "Running", "0", "Stopped", "Running"], ran


NOTES = ["PSPath", "PSParentPath", "PSChildName", "PSDrive", "PSProvider", "ReadCount"]


def _noted(host: Host, expression: str, *, depth: int = 2) -> t.Any:
    """What ConvertTo-Json makes of an expression with the lines `one` and `two` of a file in $p."""
    script = f"""$p = 'C:\\ProgramData\\a.txt'; [IO.File]::WriteAllLines($p, @('one', 'two'))
    $all = Get-Content $p; $raw = Get-Content -LiteralPath $p -Raw
    ConvertTo-Json ({expression}) -Compress -Depth {depth}"""
    ran = run(host, script)
    assert (ran.limit, ran.errors) == ("", "")
    return json.loads("".join(ran.lines))


# Get-Content's note properties (about_Providers, Get-Content), and what 5.1 makes of them.
@pytest.mark.parametrize(
    ("expression", "value", "count"),
    [
        ("$all[1]", "two", 2),
        ("$raw", "one\r\ntwo\r\n", 1),
        ("($all | Where-Object { $_ -eq 'one' })", "one", 1),
        ("@($all | Select-Object -Last 1)[0]", "two", 2),
    ],
)
def test_content_has_notes(host: Host, expression: str, value: str, count: int) -> None:
    found = _noted(host, expression)
    assert list(found) == ["value", *NOTES]
    assert (found["value"], found["ReadCount"], found["PSChildName"]) == (value, count, "a.txt")
    assert (found["PSPath"], found["PSParentPath"]) == ("C:\\ProgramData\\a.txt", "C:\\ProgramData")
    assert found["PSDrive"]["Root"] == "C:\\"


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_notes_are_written_however_deep(host: Host, depth: int) -> None:
    found = _noted(host, "@{ a = @{ b = $all[0] } }", depth=depth)["a"]["b"]
    assert found["value"] == "one"
    assert found["PSDrive"] == "C" if depth < 3 else found["PSDrive"]["Name"] == "C"


@pytest.mark.parametrize(
    ("expression", "plain"),
    [
        ("[IO.File]::ReadAllText($p)", "one\r\ntwo\r\n"),
        ("[IO.File]::ReadAllLines($p)", ["one", "two"]),
        ("[string]$raw", "one\r\ntwo\r\n"),
        ("$(& { [string]$x = $all[0]; $x })", "one"),
        ("$(& { param([string]$x) $x } $all[0])", "one"),
        ('"$($all[0])"', "one"),
        ("$all -join ','", "one,two"),
        ("$all[0] -join ','", "one"),
        ("($all[0] + '')", "one"),
        ("('' + $all[0])", "one"),
        ("$all[0].Trim()", "one"),
        ("$all[0].ToString()", "one"),
        ("$all[0].Substring(0)", "one"),
        ("$all[0].Replace('x', 'y')", "one"),
        ("($all[0] -replace 'x', 'y')", "one"),
        ("($all[0] -split ',')", ["one"]),
        ("('{0}' -f $all[0])", "one"),
        ("[string]::Join('', @($all[0]))", "one"),
        ("$all[0].psobject.BaseObject", "one"),
        ("$all[0].PSChildName", "a.txt"),
        ("$all.ReadCount", [1, 2]),
        ("@($all[0].psobject.Properties | ForEach-Object { $_.Name })", [*NOTES, "Length"]),
    ],
)
def test_what_leaves_the_notes_behind(host: Host, expression: str, plain: t.Any) -> None:
    assert _noted(host, expression) == plain


@pytest.mark.parametrize(
    ("locale", "code_page", "language"), [("en-US", 437, 1033), ("ja-JP", 932, 1041), ("de-DE", 850, 1031)]
)
def test_locales(locale: str, code_page: int, language: int) -> None:
    host = make_host(locale=locale)
    script = "[Console]::OutputEncoding.CodePage; (Get-CimInstance Win32_OperatingSystem).OSLanguage"
    assert run(host, script).lines == [str(code_page), str(language)]
