# Copyright: (c) 2026, camsec.fleet contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ONVIF Advanced Security: the TLS server's operations, and what the device can do."""

from __future__ import annotations

import typing as t

from ._onvif_catalog import SIGNATURES, AccessClass
from ._onvif_door import Operation, Reply, Run, SoapRequest
from ._soap import Node, SoapFault, maker

if t.TYPE_CHECKING:
    from ._onvif import OnvifCamera

__all__ = ["TLS_OPERATIONS", "security_capabilities"]

_tas = maker("tas")
_PBES: t.Final = "pbeWithSHAAnd3-KeyTripleDES-CBC PBES2"
_MACS: t.Final = "hmacWithSHA1 hmacWithSHA256"


# -- certificates ----------------------------------------------------------------------------------------------------


async def _assign(camera: OnvifCamera, request: SoapRequest) -> Reply:
    camera.state.assign(request.args.word("CertificationPathID"))
    camera.renew_tls()
    return Reply()


async def _unassign(camera: OnvifCamera, request: SoapRequest) -> Reply:
    camera.state.unassign(request.args.word("CertificationPathID"))
    camera.renew_tls()
    return Reply()


async def _replace(camera: OnvifCamera, request: SoapRequest) -> Reply:
    args = request.args
    camera.state.replace(args.word("OldCertificationPathID"), args.word("NewCertificationPathID"))
    camera.renew_tls()
    return Reply()


async def _assigned(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[_tas.CertificationPathID(name) for name in camera.state.tls.assigned])


# -- versions --------------------------------------------------------------------------------------------------------


async def _set_versions(camera: OnvifCamera, request: SoapRequest) -> Reply:
    wanted = request.args.text("Versions").split()
    if not wanted:
        raise SoapFault("EmptyList", "At least one version must be enabled.")
    for version in wanted:
        if version not in camera.spec.tls_versions:
            known = ", ".join(camera.spec.tls_versions)
            raise SoapFault("TLSVersion", f"TLS {version!r} is not supported; {known} are.")
    camera.state.tls.versions = tuple(version for version in camera.spec.tls_versions if version in wanted)
    camera.renew_tls()
    return Reply()


async def _get_versions(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[_tas.Versions(" ".join(camera.state.tls.versions))])


# -- clients ---------------------------------------------------------------------------------------------------------


async def _require_clients(camera: OnvifCamera, request: SoapRequest) -> Reply:
    camera.state.require_clients(required=request.args.flag("clientAuthenticationRequired"))
    camera.renew_tls()
    return Reply()


async def _clients_required(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[_tas.clientAuthenticationRequired(camera.state.tls.client_required)])


async def _set_mapping(camera: OnvifCamera, request: SoapRequest) -> Reply:
    wanted = request.args.flag("cnMapsToUser")
    if wanted and not camera.state.tls.client_required:
        raise SoapFault("CnMapsToUserFailed", "Clients' certificates are not asked for.")
    camera.state.tls.cn_maps = wanted
    return Reply()


async def _get_mapping(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[_tas.cnMapsToUser(camera.state.tls.cn_maps)])


async def _assign_policy(camera: OnvifCamera, request: SoapRequest) -> Reply:
    name = camera.state.store.policy(request.args.word("CertPathValidationPolicyID")).id
    assigned = camera.state.tls.policies
    if name in assigned:
        raise SoapFault("CertPathValidationPolicyID", "The policy is assigned already.")
    assigned.append(name)
    camera.renew_tls()
    return Reply()


async def _unassign_policy(camera: OnvifCamera, request: SoapRequest) -> Reply:
    name, tls = request.args.word("CertPathValidationPolicyID"), camera.state.tls
    if name not in tls.policies:
        raise SoapFault("CertPathValidationPolicyID", f"The policy {name!r} is not assigned.")
    tls.policies.remove(name)
    if tls.client_required and not camera.state.anchors():
        tls.policies.append(name)
        raise SoapFault("ReferenceExists", "Clients' certificates are verified with it.")
    camera.renew_tls()
    return Reply()


async def _replace_policy(camera: OnvifCamera, request: SoapRequest) -> Reply:
    old, assigned = request.args.word("OldCertPathValidationPolicyID"), camera.state.tls.policies
    if old not in assigned:
        raise SoapFault("OldCertPathValidationPolicyID", f"The policy {old!r} is not assigned.")
    new = camera.state.store.policy(request.args.word("NewCertPathValidationPolicyID"), "NewCertPathValidationPolicyID")
    assigned[assigned.index(old)] = new.id
    camera.renew_tls()
    return Reply()


async def _assigned_policies(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[_tas.CertPathValidationPolicyID(name) for name in camera.state.tls.policies])


# -- capabilities ----------------------------------------------------------------------------------------------------


def security_capabilities(camera: OnvifCamera) -> Node:
    """What the model can do."""
    spec = camera.spec
    kinds = {kind for kind, able in (("RSA", spec.rsa_key_lengths), ("ECC", spec.elliptic_curves)) if able}
    algorithms = [
        _tas.SignatureAlgorithms(_tas.algorithm(signature.oid))
        for signature in SIGNATURES.values()
        if signature.kind in kinds
    ]
    keystore = _tas.KeystoreCapabilities(*algorithms)
    rsa = bool(spec.rsa_key_lengths)
    values: dict[str, bool | int | str] = {
        "MaximumNumberOfKeys": spec.max_keys,
        "MaximumNumberOfCertificates": spec.max_certificates,
        "MaximumNumberOfCertificationPaths": spec.max_certification_paths,
        "SetCertPath": True,
        "RSAKeyPairGeneration": rsa,
        "ECCKeyPairGeneration": bool(spec.elliptic_curves),
        "KeyPairGeneration": " ".join(sorted(kinds)),
        "RSAKeyLengths": " ".join(map(str, spec.rsa_key_lengths)),
        "EllipticCurves": " ".join(spec.elliptic_curves),
        "PKCS10ExternalCertificationWithRSA": rsa,
        "PKCS10": True,
        "SelfSignedCertificateCreationWithRSA": rsa,
        "SelfSignedCertificateCreation": True,
        "X509Versions": 3,
        "MaximumNumberOfPassphrases": spec.max_passphrases,
        "PKCS8RSAKeyPairUpload": rsa,
        "PKCS8": True,
        "PKCS12CertificateWithRSAPrivateKeyUpload": rsa,
        "PKCS12": True,
        "PasswordBasedEncryptionAlgorithms": _PBES,
        "PasswordBasedMACAlgorithms": _MACS,
        "MaximumNumberOfCRLs": spec.max_crls,
        "MaximumNumberOfCertificationPathValidationPolicies": spec.max_validation_policies,
        "EnforceTLSWebClientAuthExtKeyUsage": False,
        "NoPrivateKeySharing": False,
    }
    for name, value in values.items():
        keystore.set(name, _text(value))
    return _tas.Capabilities(keystore, _tls_capabilities(camera))


def _tls_capabilities(camera: OnvifCamera) -> Node:
    spec = camera.spec
    return _tas.TLSServerCapabilities({
        "TLSServerSupported": " ".join(spec.tls_versions),
        "EnabledVersionsSupported": _text(True),
        "MaximumNumberOfTLSCertificationPaths": _text(spec.max_tls_certification_paths),
        "TLSClientAuthSupported": _text(True),
        "CnMapsToUserSupported": _text(True),
        "MaximumNumberOfTLSCertificationPathValidationPolicies": _text(spec.max_validation_policies),
    })  # fmt: skip


def _text(value: bool | int | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


async def _capabilities(camera: OnvifCamera, _request: SoapRequest) -> Reply:
    return Reply(content=[security_capabilities(camera)])


def _tas_operation(name: str, parts: str, access: AccessClass, run: Run) -> Operation:
    return Operation(prefix="tas", name=name, parts=parts, access=access, run=run)


_POLICY: t.Final = "CertPathValidationPolicyID"
TLS_OPERATIONS: t.Final = tuple(
    _tas_operation(*row)
    for row in (
        ("GetServiceCapabilities", "", "PRE_AUTH", _capabilities),
        ("AddServerCertificateAssignment", "CertificationPathID", "WRITE_SYSTEM", _assign),
        ("RemoveServerCertificateAssignment", "CertificationPathID", "WRITE_SYSTEM", _unassign),
        (
            "ReplaceServerCertificateAssignment",
            "OldCertificationPathID NewCertificationPathID",
            "WRITE_SYSTEM",
            _replace,
        ),
        ("GetAssignedServerCertificates", "", "READ_SYSTEM_SECRET", _assigned),
        ("SetEnabledTLSVersions", "Versions", "WRITE_SYSTEM", _set_versions),
        ("GetEnabledTLSVersions", "", "READ_SYSTEM", _get_versions),
        ("SetClientAuthenticationRequired", "clientAuthenticationRequired", "WRITE_SYSTEM", _require_clients),
        ("GetClientAuthenticationRequired", "", "READ_SYSTEM", _clients_required),
        ("SetCnMapsToUser", "cnMapsToUser", "WRITE_SYSTEM", _set_mapping),
        ("GetCnMapsToUser", "", "READ_SYSTEM", _get_mapping),
        ("AddCertPathValidationPolicyAssignment", _POLICY, "WRITE_SYSTEM", _assign_policy),
        ("RemoveCertPathValidationPolicyAssignment", _POLICY, "WRITE_SYSTEM", _unassign_policy),
        ("ReplaceCertPathValidationPolicyAssignment", f"Old{_POLICY} New{_POLICY}", "WRITE_SYSTEM", _replace_policy),
        ("GetAssignedCertPathValidationPolicies", "", "READ_SYSTEM_SECRET", _assigned_policies),
    )
)
