"""Says what a Google Cloud project lacks for convtailor, before anything is made: reads only, changes nothing.

    python3 infra/preflight.py --project my-convtailor --mail-from reports@example.org

Each line is ``ok``, ``missing`` with how to get it, or ``unseen`` where Google would not tell. Exit code 1 where
something is missing. Standard library and gcloud; a SendGrid key in TF_VAR_sendgrid_key is used to ask for the sender.

Source: https://cloud.google.com/compute/resource-usage (quotas),
https://cloud.google.com/resource-manager/docs/organization-policy/org-policy-constraints (policies)
"""

import argparse
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

APIS = ("cloudresourcemanager", "compute", "pubsub", "serviceusage")
"""Those that this program or the first command needs; Terraform turns on the others."""
GPU_OF = {"g2": "NVIDIA_L4_GPUS", "a2-highgpu": "NVIDIA_A100_GPUS", "a2-ultragpu": "NVIDIA_A100_80GB_GPUS"}
"""Quota of each family of machines; newer ones, such as a3, are asked for in the console alone."""
QUOTA_PAGE = "https://console.cloud.google.com/iam-admin/quotas?project={project}"
FORBIDDING = {
    "iam.disableServiceAccountCreation": "service accounts may be made",
    "compute.disableGuestAttributesAccess": "the machine that builds the boot image may tell how far it is",
}
"""Policies of the organisation that forbid something, and what is possible without them."""
Ask = Callable[[Sequence[str]], Any]
"""Runs gcloud with arguments and returns its JSON; raises :class:`Unseen`."""


class Unseen(Exception):
    """Google did not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the installation is to be, as the variables of the same names."""

    project: str
    region: str = "europe-west4"
    zone: str = "europe-west4-a"
    machine_type: str = "g2-standard-8"
    gpus: int = 1
    spot: bool = True
    max_machines: int = 2
    disk_gb: int = 200
    mail_from: str = ""
    billing_account: str = ""

    @property
    def num_gpus(self) -> int:
        """GPUs of all machines together."""
        return self.gpus * self.max_machines


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line: ``ok``, ``missing`` or ``unseen``, what it is about, and what to do."""

    verdict: str
    what: str
    do: str = ""

    def __str__(self) -> str:
        """Return the line."""
        return f"{self.verdict:8}{self.what}" + (f"\n        → {self.do}" if self.do else "")


def _found(what: str, *, holds: bool, do: str) -> Finding:
    return Finding(verdict="ok", what=what) if holds else Finding(verdict="missing", what=what, do=do)


def look(wish: Wish, ask: Ask, sender: Callable[[Wish], Finding]) -> Iterator[Finding]:
    """Yield every finding; one that Google does not tell stops no other."""
    for check in (
        _billing,
        _apis,
        _quotas,
        _global_quota,
        _zones,
        _external_addresses,
        _images,
        _places,
        _forbidden,
        _rights,
        _budget,
    ):
        try:
            yield from check(wish, ask)
        except Unseen as reason:
            what = check.__name__.strip("_").replace("_", " ")
            yield Finding(verdict="unseen", what=what, do=f"look by hand: {reason}")
    yield sender(wish)


def _billing(wish: Wish, ask: Ask) -> Iterator[Finding]:
    told = ask(["billing", "projects", "describe", wish.project])
    do = f"gcloud billing projects link {wish.project} --billing-account=ACCOUNT"
    yield _found("the project has a billing account", holds=told.get("billingEnabled") is True, do=do)


def _apis(wish: Wish, ask: Ask) -> Iterator[Finding]:
    on = {each["config"]["name"] for each in ask(["services", "list", "--enabled", f"--project={wish.project}"])}
    wanted = [f"{name}.googleapis.com" for name in APIS]
    off = [name for name in wanted if name not in on]
    yield _found("APIs that come first are on", holds=not off, do=f"gcloud services enable {' '.join(off)}")


def _quotas(wish: Wish, ask: Ask) -> Iterator[Finding]:
    told = ask(["compute", "regions", "describe", wish.region, f"--project={wish.project}"])
    quotas = {each["metric"]: each for each in told["quotas"]}
    yield _enough(quotas, "SSD_TOTAL_GB", wish.disk_gb * wish.max_machines, wish)
    family = next((name for name in GPU_OF if wish.machine_type.startswith(name)), None)
    if wish.gpus == 0:
        return
    if family is None:
        page = QUOTA_PAGE.format(project=wish.project)
        yield Finding(verdict="unseen", what=f"GPU quota of {wish.machine_type}", do=f"look at {page}")
        return
    # Spot machines are counted by a quota of their own; where that is 0 the ordinary one is not drawn upon.
    yield _enough(quotas, ("PREEMPTIBLE_" if wish.spot else "") + GPU_OF[family], wish.num_gpus, wish)


def _global_quota(wish: Wish, ask: Ask) -> Iterator[Finding]:
    told = ask(["compute", "project-info", "describe", f"--project={wish.project}"])
    if wish.gpus > 0:
        yield _enough({each["metric"]: each for each in told["quotas"]}, "GPUS_ALL_REGIONS", wish.num_gpus, wish)


def _enough(quotas: Mapping[str, Mapping[str, float]], metric: str, wanted: int, wish: Wish) -> Finding:
    quota = quotas.get(metric, {"limit": 0, "usage": 0})
    left = quota["limit"] - quota["usage"]
    page = QUOTA_PAGE.format(project=wish.project)
    what = f"quota {metric}: {wanted} wanted, {left:g} free"
    return _found(what, holds=left >= wanted, do=f"ask for {wanted} at {page} (days; not on a free trial)")


def _zones(wish: Wish, ask: Ask) -> Iterator[Finding]:
    told = ask(["compute", "machine-types", "list", f"--filter=name={wish.machine_type}", f"--project={wish.project}"])
    zones = sorted(each["zone"].rpartition("/")[2] for each in told)
    near = [zone for zone in zones if zone.startswith(f"{wish.region}-")]
    others = (
        f"zone = one of {', '.join(near)}" if near else f"region and zone of one of {', '.join(zones) or 'no zone'}"
    )
    yield _found(f"{wish.zone} has {wish.machine_type}", holds=wish.zone in zones, do=others)


def _policy(constraint: str, wish: Wish, ask: Ask) -> Mapping[str, Any]:
    told: Mapping[str, Any] = ask(
        ["resource-manager", "org-policies", "describe", constraint, "--effective", f"--project={wish.project}"]
    )
    return told.get("listPolicy") or told.get("booleanPolicy") or {}


def _is_allowed(policy: Mapping[str, Any], *names: str) -> bool:
    if policy.get("allValues") == "DENY" or set(names) & set(policy.get("deniedValues", ())):
        return False
    allowed = policy.get("allowedValues")
    return allowed is None or bool(set(names) & set(allowed))


def _external_addresses(wish: Wish, ask: Ask) -> Iterator[Finding]:
    policy = _policy("compute.vmExternalIpAccess", wish, ask)
    holds = policy.get("allValues") != "DENY" and "allowedValues" not in policy
    do = "trainer_nat = true while the boot image is built, and make machine-image … ADDRESS=none"
    yield _found("the machine that builds the boot image may have an address", holds=holds, do=do)


def _images(wish: Wish, ask: Ask) -> Iterator[Finding]:
    project = "deeplearning-platform-release" if wish.gpus else "ubuntu-os-cloud"
    holds = _is_allowed(_policy("compute.trustedImageProjects", wish, ask), f"projects/{project}")
    yield _found(f"boot images of {project} are allowed", holds=holds, do=f"have projects/{project} allowed")


def _places(wish: Wish, ask: Ask) -> Iterator[Finding]:
    policy = _policy("gcp.resourceLocations", wish, ask)
    groups = (f"in:{wish.region}-locations", wish.region, f"in:{wish.region.partition('-')[0]}-locations")
    do = f"a region of {', '.join(policy.get('allowedValues', ())) or 'none'}"
    yield _found(f"the organisation allows {wish.region}", holds=_is_allowed(policy, *groups), do=do)


def _forbidden(wish: Wish, ask: Ask) -> Iterator[Finding]:
    for constraint, what in FORBIDDING.items():
        holds = not _policy(constraint, wish, ask).get("enforced", False)
        yield _found(what, holds=holds, do=f"have {constraint} lifted for this project")


def _rights(wish: Wish, ask: Ask) -> Iterator[Finding]:
    [active] = ask(["auth", "list", "--filter=status:ACTIVE"])
    bindings = ask(["projects", "get-iam-policy", wish.project]).get("bindings", [])
    owners = {member for each in bindings if each["role"] == "roles/owner" for member in each["members"]}
    if any(member.endswith(f":{active['account']}") for member in owners):
        yield Finding(verdict="ok", what=f"{active['account']} is owner of the project")
    else:
        raise Unseen(f"{active['account']} is no owner by name; it may be by a group or from above")


def _budget(wish: Wish, ask: Ask) -> Iterator[Finding]:
    if not wish.billing_account:
        return
    policy = ask(["billing", "accounts", "get-iam-policy", wish.billing_account])
    roles = {each["role"] for each in policy.get("bindings", [])}
    holds = bool(roles & {"roles/billing.admin", "roles/billing.costsManager"})
    do = "roles/billing.costsManager on the billing account, or leave billing_account out: no budget is made then"
    yield _found("somebody may make budgets of the billing account", holds=holds, do=do)


def sender_of_sendgrid(wish: Wish, key: str, host: str = "https://api.sendgrid.com") -> Finding:
    """Tell whether SendGrid knows the sender, by its own or by its domain."""
    what = f"SendGrid knows {wish.mail_from or 'the sender'}"
    if not key or not wish.mail_from:
        return Finding(verdict="unseen", what=what, do="give --mail-from and TF_VAR_sendgrid_key to have it asked")
    try:
        domains = _asked(f"{host}/v3/whitelabel/domains", key)
        senders = _asked(f"{host}/v3/verified_senders", key)["results"]
    except (OSError, ValueError, KeyError) as error:
        return Finding(verdict="unseen", what=what, do=f"look by hand: the key may not ask that ({error})")
    domain = wish.mail_from.rpartition("@")[2]
    holds = any(each["domain"] == domain and each["valid"] for each in domains)
    holds = holds or any(each["from_email"] == wish.mail_from and each["verified"] for each in senders)
    return _found(what, holds=holds, do="verify it at SendGrid: Settings, Sender Authentication")


def _asked(url: str, key: str) -> Any:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})  # noqa: S310 - SendGrid's own
    with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310 - likewise
        return json.load(response)


def gcloud(arguments: Sequence[str]) -> Any:
    """Ask gcloud.

    Raises:
        Unseen: If it fails.
    """
    command = ["gcloud", *arguments, "--format=json", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise Unseen(lines[0] if lines else f"gcloud ended with {done.returncode}")
    return json.loads(done.stdout or "null")


def main(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print every finding; return 1 where something is missing."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    defaults = Wish(project="")
    parser.add_argument("--project", required=True)
    for name in ("region", "zone", "machine_type", "mail_from", "billing_account"):
        parser.add_argument(f"--{name.replace('_', '-')}", default=getattr(defaults, name))
    for name in ("gpus", "max_machines", "disk_gb"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(defaults, name))
    parser.add_argument("--no-spot", dest="spot", action="store_false")
    wish = Wish(**vars(parser.parse_args(argv)))
    host = environ.get("TF_VAR_sendgrid_host", "https://api.sendgrid.com")

    def sender(wish: Wish) -> Finding:
        return sender_of_sendgrid(wish, environ.get("TF_VAR_sendgrid_key", ""), host)

    findings = list(look(wish, gcloud, sender))
    sys.stdout.writelines(f"{finding}\n" for finding in findings)
    return 1 if any(finding.verdict == "missing" for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
