# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is run on a Windows host of the VMS: Windows PowerShell 5.1 and what Windows Server brings with it.

The command line holds :data:`BOOTSTRAP` alone; script and arguments follow on standard input as one line of JSON, so
that no secret is in a process list and no length limit of ``cmd.exe`` is met. The answer is one line of Base64 of JSON
in UTF-8, since what a console makes of other characters depends on the host's language. Nothing is read out of texts
that Windows translates.

Not tried on a real Windows host or with a real VMS; the simulation runs these very texts.
"""

from __future__ import annotations

import typing as t

__all__ = [
    "ABANDON_REQUEST",
    "ACCEPT_CERTIFICATE",
    "ADD_TRUSTED",
    "BOOTSTRAP",
    "CHECK_CERTIFICATE",
    "CONFIGURE",
    "GRANT_KEY",
    "HANDSHAKES",
    "IMPORT_PKCS12",
    "MAKE_REQUEST",
    "READ_SERVER",
    "RECORDER_CONFIGURATION",
    "REMOVE_CERTIFICATE",
    "REMOVE_TRUSTED",
]

#: Runs what it reads, and answers in one line.
BOOTSTRAP: t.Final = r"""
$ErrorActionPreference = 'Stop'
$camsec = $input | Out-String | ConvertFrom-Json
try {
    $answer = @{ found = (& ([ScriptBlock]::Create($camsec.script)) $camsec.given) }
} catch {
    $reason = $_.Exception
    while ($reason.InnerException) { $reason = $reason.InnerException }
    $answer = @{ error = $reason.Message; kind = $reason.GetType().FullName }
}
[Convert]::ToBase64String([System.Text.Encoding]::UTF8.GetBytes(($answer | ConvertTo-Json -Depth 8 -Compress)))
"""

# Where Windows keeps the file of a machine key: CNG keys in one folder, those of older providers in another.
_KEY_FILE: t.Final = r"""
function Find-KeyFile($certificate) {
    $key = [System.Security.Cryptography.X509Certificates.RSACertificateExtensions]::GetRSAPrivateKey($certificate)
    if ($null -eq $key) { return $null }
    if ($null -ne $key.CspKeyContainerInfo) {
        $name = $key.CspKeyContainerInfo.UniqueKeyContainerName
    } else {
        $name = $key.Key.UniqueName
    }
    foreach ($folder in 'Keys', 'RSA\MachineKeys') {
        $path = Join-Path $env:ProgramData "Microsoft\Crypto\$folder\$name"
        if (Test-Path -LiteralPath $path) { return $path }
    }
    return $null
}
"""

_ACCOUNT: t.Final = r"""
function Resolve-Account($name) {
    if ($name -like 'S-1-*') { return $name }
    $account = New-Object System.Security.Principal.NTAccount($name)
    return $account.Translate([System.Security.Principal.SecurityIdentifier]).Value
}
"""

# Read, and nothing more (VMS-14).
_GRANT: t.Final = (
    _KEY_FILE
    + _ACCOUNT
    + r"""
function Grant-Key($certificate, $account) {
    $path = Find-KeyFile $certificate
    if ($null -eq $path) { throw 'no file of the private key below Microsoft\Crypto' }
    $sid = New-Object System.Security.Principal.SecurityIdentifier((Resolve-Account $account))
    $acl = Get-Acl -LiteralPath $path
    $acl.AddAccessRule((New-Object System.Security.AccessControl.FileSystemAccessRule($sid, 'Read', 'Allow')))
    Set-Acl -LiteralPath $path -AclObject $acl
}
"""
)

# Why Windows does not trust what is presented is kept by the callback; it lets the handshake end all the same.
_HANDSHAKE: t.Final = r"""
function Read-Verdict($errors, $chain) {
    return @{
        policy_errors = [string]$errors
        chain = @($chain.ChainElements | ForEach-Object { [Convert]::ToBase64String($_.Certificate.RawData) })
        chain_status = @($chain.ChainStatus | ForEach-Object { [string]$_.Status })
    }
}
function Start-Tls($stream, $name) {
    $global:CamsecVerdict = $null
    $tls = New-Object System.Net.Security.SslStream($stream, $false, {
        param($sender, $certificate, $chain, $errors)
        $global:CamsecVerdict = Read-Verdict $errors $chain
        return $true
    })
    $tls.AuthenticateAsClient($name, $null, [System.Security.Authentication.SslProtocols]::Tls12, $false)
    $leaf = New-Object System.Security.Cryptography.X509Certificates.X509Certificate2($tls.RemoteCertificate)
    $verdict = $global:CamsecVerdict
    $tls.Dispose()
    return @{ status = 'encrypted'; leaf = [Convert]::ToBase64String($leaf.RawData); verdict = $verdict }
}
"""

#: ``given``: ``service_account``, ``configurator``, ``ports``. What the server holds, all at once.
READ_SERVER: t.Final = (
    "param($given)\n"
    + _KEY_FILE
    + _ACCOUNT
    + r"""
function Read-Rules($path) {
    $acl = Get-Acl -LiteralPath $path
    foreach ($rule in $acl.GetAccessRules($true, $true, [System.Security.Principal.SecurityIdentifier])) {
        @{
            sid = $rule.IdentityReference.Value
            rights = [int]$rule.FileSystemRights
            allow = ([string]$rule.AccessControlType -eq 'Allow')
        }
    }
}
function Read-Chain($certificate) {
    $chain = New-Object System.Security.Cryptography.X509Certificates.X509Chain
    $chain.ChainPolicy.RevocationMode = [System.Security.Cryptography.X509Certificates.X509RevocationMode]::NoCheck
    $null = $chain.Build($certificate)
    return @($chain.ChainElements | ForEach-Object { [Convert]::ToBase64String($_.Certificate.RawData) })
}
$sha256 = [System.Security.Cryptography.SHA256]::Create()
$own = foreach ($certificate in Get-ChildItem -Path Cert:\LocalMachine\My) {
    # One certificate whose key is gone, or whose key's rights nobody may see, says nothing of the others.
    $held = [bool]$certificate.HasPrivateKey
    $path = $null
    $rules = @()
    if ($held) {
        try { $path = Find-KeyFile $certificate } catch { $held = $false }
    }
    if ($null -ne $path) {
        try { $rules = @(Read-Rules $path) } catch { $rules = @() }
    }
    @{
        thumbprint = $certificate.Thumbprint
        has_private_key = $held
        rules = $rules
        chain = @(Read-Chain $certificate)
    }
}
$roots = foreach ($certificate in Get-ChildItem -Path Cert:\LocalMachine\Root) {
    [Convert]::ToBase64String($sha256.ComputeHash($certificate.RawData))
}
$services = foreach ($service in Get-Service) {
    if ($service.DisplayName -like 'Milestone XProtect*') {
        @{ name = $service.DisplayName; status = [string]$service.Status; start_type = [string]$service.StartType }
    }
}
$processes = @(Get-Process | Where-Object { $_.ProcessName -eq 'ServerConfigurator' } | ForEach-Object { $_.Id })
@{
    account = Resolve-Account $given.service_account
    configurator = [bool](Test-Path -LiteralPath $given.configurator)
    configurators_running = $processes.Count
    own = @($own)
    roots = @($roots)
    services = @($services)
}
"""
)

#: ``given``: ``targets`` (each ``host``, ``port``, ``name``), ``timeout`` in ms. Each as this server's clients do.
HANDSHAKES: t.Final = (
    "param($given)\n"
    + _HANDSHAKE
    + r"""
function Connect-Target($target) {
    $client = New-Object System.Net.Sockets.TcpClient
    $client.ReceiveTimeout = $given.timeout
    $client.SendTimeout = $given.timeout
    try {
        if ($client.ConnectAsync([string]$target.host, [int]$target.port).Wait([int]$given.timeout)) { return $client }
    } catch {
        $null = $_
    }
    $client.Close()
    return $null
}
function Test-Plain($target) {
    $client = Connect-Target $target
    if ($null -eq $client) { return 'silent' }
    try {
        $stream = $client.GetStream()
        $writer = New-Object System.IO.StreamWriter($stream)
        $writer.Write("HEAD / HTTP/1.0`r`nHost: " + $target.name + "`r`n`r`n")
        $writer.Flush()
        $reader = New-Object System.IO.StreamReader($stream)
        if ($reader.ReadLine() -like 'HTTP/*') { return 'plain' }
    } catch {
        $null = $_
    } finally {
        $client.Close()
    }
    return 'broken'
}
function Test-Target($target) {
    $client = Connect-Target $target
    if ($null -eq $client) { return @{ status = 'silent' } }
    try {
        return Start-Tls ($client.GetStream()) $target.name
    } catch {
        $null = $_
    } finally {
        $client.Close()
    }
    return @{ status = (Test-Plain $target) }
}
$found = foreach ($target in $given.targets) { Test-Target $target }
@{ handshakes = @($found) }
"""
)

#: What a recording server is configured to encrypt, of its file only the element about it; empty where there is none.
RECORDER_CONFIGURATION: t.Final = r"""
param($given)
$path = Join-Path $env:ProgramData 'Milestone\XProtect Recording Server\RecorderConfig.xml'
$element = ''
if ((Test-Path -LiteralPath $path) -and ([System.IO.File]::ReadAllText($path) -match '<serverEncryption\b[^>]*>')) {
    $element = $Matches[0]
}
@{ element = $element }
"""

#: ``given``: ``thumbprint``, ``name``, ``timeout`` in ms. Both ends of a handshake on the server itself.
CHECK_CERTIFICATE: t.Final = (
    "param($given)\n"
    + _HANDSHAKE
    + r"""
$certificate = Get-Item -LiteralPath ('Cert:\LocalMachine\My\' + $given.thumbprint)
$listener = New-Object System.Net.Sockets.TcpListener([System.Net.IPAddress]::Loopback, 0)
$listener.Start()
$client = New-Object System.Net.Sockets.TcpClient
$peer = $null
try {
    $accepting = $listener.AcceptTcpClientAsync()
    $client.Connect('127.0.0.1', $listener.LocalEndpoint.Port)
    if (-not $accepting.Wait([int]$given.timeout)) { throw 'no connection to the host itself' }
    $peer = $accepting.Result
    foreach ($end in $client, $peer) {
        $end.ReceiveTimeout = $given.timeout
        $end.SendTimeout = $given.timeout
    }
    $server = New-Object System.Net.Security.SslStream($peer.GetStream(), $false)
    $null = $server.AuthenticateAsServerAsync(
        $certificate, $false, [System.Security.Authentication.SslProtocols]::Tls12, $false)
    Start-Tls ($client.GetStream()) $given.name
} finally {
    $client.Close()
    if ($null -ne $peer) { $peer.Close() }
    $listener.Stop()
}
"""
)

#: ``given``: ``content`` (DER in Base64), ``store`` (``Root`` or ``CA``).
ADD_TRUSTED: t.Final = r"""
param($given)
$bytes = [Convert]::FromBase64String($given.content)
$certificate = New-Object System.Security.Cryptography.X509Certificates.X509Certificate2(, $bytes)
$store = New-Object System.Security.Cryptography.X509Certificates.X509Store($given.store, 'LocalMachine')
$store.Open('ReadWrite')
try { $store.Add($certificate) } finally { $store.Close() }
@{ thumbprint = $certificate.Thumbprint }
"""

#: ``given``: ``thumbprint``.
REMOVE_TRUSTED: t.Final = r"""
param($given)
Remove-Item -LiteralPath ('Cert:\LocalMachine\Root\' + $given.thumbprint)
@{ thumbprint = $given.thumbprint }
"""

# A folder of its own below TEMP; the request and the certificate in it are public.
_FOLDER: t.Final = r"""
function New-Folder {
    $path = Join-Path $env:TEMP ('camsec-' + [guid]::NewGuid().ToString())
    $null = New-Item -ItemType Directory -Path $path
    return $path
}
"""

#: ``given``: ``inf`` (for certreq), ``service_account``. The key is made on the host and does not leave it. The service
#: account may read it before the certificate is there: a renewed one is in use as soon as it is in the store (VMS-17).
MAKE_REQUEST: t.Final = (
    "param($given)\n"
    + _FOLDER
    + _GRANT
    + r"""
$before = @(Get-ChildItem -Path Cert:\LocalMachine\REQUEST | ForEach-Object { $_.Thumbprint })
$folder = New-Folder
try {
    Set-Content -LiteralPath "$folder\request.inf" -Value $given.inf -Encoding Ascii
    $null = & certreq.exe -new -q -f -machine "$folder\request.inf" "$folder\request.csr"
    if ($LASTEXITCODE -ne 0) { throw "certreq -new ended with $LASTEXITCODE" }
    # Not Get-Content: what it returns has notes, and ConvertTo-Json of 5.1 writes them.
    $request = [System.IO.File]::ReadAllText("$folder\request.csr")
} finally {
    Remove-Item -LiteralPath $folder -Recurse -Force
}
$pending = @(Get-ChildItem -Path Cert:\LocalMachine\REQUEST | Where-Object { $before -notcontains $_.Thumbprint })
try {
    foreach ($certificate in $pending) { Grant-Key $certificate $given.service_account }
} catch {
    foreach ($certificate in $pending) {
        Remove-Item -LiteralPath ('Cert:\LocalMachine\REQUEST\' + $certificate.Thumbprint) -DeleteKey
    }
    throw
}
@{ request = $request; pending = @($pending | ForEach-Object { $_.Thumbprint }) }
"""
)

#: ``given``: ``pending`` (thumbprints). What a request that nobody signed has left.
ABANDON_REQUEST: t.Final = r"""
param($given)
foreach ($thumbprint in $given.pending) {
    $path = 'Cert:\LocalMachine\REQUEST\' + $thumbprint
    if (Test-Path -LiteralPath $path) { Remove-Item -LiteralPath $path -DeleteKey }
}
@{ pending = @() }
"""

#: ``given``: ``content`` (PEM), ``thumbprint``. The certificate joins its key.
ACCEPT_CERTIFICATE: t.Final = (
    "param($given)\n"
    + _FOLDER
    + r"""
$folder = New-Folder
try {
    Set-Content -LiteralPath "$folder\certificate.cer" -Value $given.content -Encoding Ascii
    $null = & certreq.exe -accept -q -machine "$folder\certificate.cer"
    if ($LASTEXITCODE -ne 0) { throw "certreq -accept ended with $LASTEXITCODE" }
} finally {
    Remove-Item -LiteralPath $folder -Recurse -Force
}
$certificate = Get-Item -LiteralPath ('Cert:\LocalMachine\My\' + $given.thumbprint)
@{ thumbprint = $certificate.Thumbprint; has_private_key = [bool]$certificate.HasPrivateKey }
"""
)

#: ``given``: ``content`` (PKCS#12 in Base64), ``passphrase``, ``service_account``. The key cannot be exported again.
IMPORT_PKCS12: t.Final = (
    "param($given)\n"
    + _GRANT
    + r"""
$bytes = [Convert]::FromBase64String($given.content)
$flags = [System.Security.Cryptography.X509Certificates.X509KeyStorageFlags]'MachineKeySet, PersistKeySet'
$certificate = New-Object System.Security.Cryptography.X509Certificates.X509Certificate2(
    $bytes, $given.passphrase, $flags)
Grant-Key $certificate $given.service_account
$store = New-Object System.Security.Cryptography.X509Certificates.X509Store('My', 'LocalMachine')
$store.Open('ReadWrite')
try { $store.Add($certificate) } finally { $store.Close() }
@{ thumbprint = $certificate.Thumbprint }
"""
)

#: ``given``: ``thumbprint``, ``service_account``.
GRANT_KEY: t.Final = (
    "param($given)\n"
    + _GRANT
    + r"""
Grant-Key (Get-Item -LiteralPath ('Cert:\LocalMachine\My\' + $given.thumbprint)) $given.service_account
@{ thumbprint = $given.thumbprint }
"""
)

#: ``given``: ``thumbprint``. The certificate and its key.
REMOVE_CERTIFICATE: t.Final = r"""
param($given)
Remove-Item -LiteralPath ('Cert:\LocalMachine\My\' + $given.thumbprint) -DeleteKey
@{ thumbprint = $given.thumbprint }
"""

#: ``given``: ``configurator``, ``arguments``, ``stop_running``, ``timeout`` in ms. ServerConfigurator by its documented
#: arguments. Without the handle, Windows forgets the exit code.
CONFIGURE: t.Final = r"""
param($given)
if ($given.stop_running) {
    foreach ($process in Get-Process | Where-Object { $_.ProcessName -eq 'ServerConfigurator' }) {
        Stop-Process -Id $process.Id -Force
        $null = $process.WaitForExit(10000)
    }
}
$process = Start-Process -FilePath $given.configurator -ArgumentList $given.arguments -PassThru
$null = $process.Handle
if (-not $process.WaitForExit([int]$given.timeout)) { throw 'ServerConfigurator did not end in time' }
@{ exit_code = [int]$process.ExitCode }
"""
