"""Beacon RMM, a monitoring tool that we invented: licensed agents per client and device class.

Belongs here: its file layout (a title, a header, a grand total at the foot) and its keys.
Does not belong here: what is used (``story``) and how the file is read (``profiles/beacon-rmm.yaml``).
"""

import csv
import io
from importlib.resources import files

from pipelines.periods import BillingPeriod
from pipelines.quantities import text
from trueup.demo.catalogue import BEACON, PRODUCTS, Product
from trueup.demo.customers import OWN_NAME, OWN_USES
from trueup.demo.story import uses

PROFILE = "beacon-rmm"
OWN_KEY = f"{OWN_NAME} (internal)"


def profile() -> str:
    """The import profile that reads Beacon's files, as YAML."""
    return (files("trueup.demo") / "profiles" / f"{PROFILE}.yaml").read_text(encoding="utf-8")


def inbox_path(period: BillingPeriod) -> str:
    """Where the file of a month arrives."""
    return f"{PROFILE}/{period.key}/licensed-agents.csv"


def service_key(product: Product) -> str:
    """The key by which the file names a product."""
    return product.code


def beacon_file(period: BillingPeriod, *, is_current: bool) -> bytes:
    """The file of a month: this one, or a normal one."""
    counted = [(use.customer.name, use.product, use.units) for use in uses(BEACON, is_current=is_current)]
    counted.append((OWN_KEY, "workstations", OWN_USES["workstations"]))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([f"Beacon RMM: licensed agents of {period.key}"])
    writer.writerow([])
    writer.writerow(["Client", "Device Class", "Devices"])
    writer.writerows([client, service_key(PRODUCTS[product]), text(units)] for client, product, units in counted)
    writer.writerow(["Grand total", "", f"{sum(units for _, _, units in counted):,}"])
    return out.getvalue().encode()
