"""Run export: a run's reports as files in a directory, with a manifest of their hashes."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import click

from billing.bootstrap import Billing
from billing.domain.billing_run import ItemState, RunItem
from billing.domain.errors import ReportTooLargeError
from billing.domain.strict_json import dumps


def export_run(billing: Billing, run_id: int, directory: str, name: str) -> tuple[int, int]:
    """Write a file for each report, and the manifest; how many files, and customers without one.

    All of it is written beside the directory and appears in one step.
    """
    run = billing.runs.find(run_id)
    if run.is_live:
        raise click.ClickException(f"Run {run_id} is {run.state}: export it when it has ended.")
    billing.archive.exporter(name)
    target = Path(directory).resolve()
    if target.exists() and any(target.iterdir()):
        raise click.ClickException(f"{directory} is not empty.")
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    partial.mkdir(parents=True)
    try:
        files: list[dict[str, Any]] = []
        missing: list[dict[str, Any]] = []
        for item in billing.runs.items(run_id):
            exported = _export(billing, item, partial, name)
            (files if "file" in exported else missing).append(exported)
        manifest = {"run": run.as_json(), "format": name, "files": files, "missing": missing}
        (partial / "manifest.json").write_text(dumps(manifest) + "\n", encoding="utf-8")
        partial.replace(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return len(files), len(missing)


def _export(billing: Billing, item: RunItem, folder: Path, name: str) -> dict[str, Any]:
    """Write a customer's file and return its entry in the manifest, or why there is none."""
    if item.report_id is None:
        error = item.error or ("Cancelled" if item.state is ItemState.CANCELLED else item.state)
        return {"customer_id": item.customer_id, "error": str(error)}
    path = folder / f"customer_{item.customer_id}_report_{item.report_id}.{name}"
    try:
        with path.open("xb") as out:
            content = billing.archive.export(item.report_id, name, out).content
    except ReportTooLargeError as error:
        path.unlink()
        return {"customer_id": item.customer_id, "report_id": item.report_id, "error": str(error)}
    with path.open("rb") as written:
        digest = hashlib.file_digest(written, "sha256").hexdigest()
    return {
        "file": path.name,
        "customer_id": item.customer_id,
        "report_id": item.report_id,
        "order_count": content.order_count,
        "total_amount": content.total_amount,
        "currency": content.currency,
        "bytes": path.stat().st_size,
        "sha256": digest,
    }
