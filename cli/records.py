"""`keras-dldl records`: whether prepared data is complete, and what it contains."""

import click

from keras_dldl._utils.arguments import first_few
from keras_dldl.cli.options import SPLITS, Choice, GroupOfFiles, echo_json, json_option, out_option


@click.group(cls=GroupOfFiles, for_files="records info")
def command():
    """Check prepared data for damage, show its contents, or extract its faces."""


@command.command("verify")
@click.argument("data", type=click.Path())
@json_option
def verify_command(data, as_json):
    """Compare every record of DATA with its checksum.

    Lists each shard that is missing, truncated or altered, or whose faces are not where the index
    says, with what was expected and found. The exit status is then 1. To repair the shards, run
    `prepare` again with the same arguments.
    """
    from keras_dldl.data.integrity import verify
    from keras_dldl.errors import DataError

    facts = verify(data)
    if as_json:
        echo_json(facts)
    else:
        for of in facts["bad"]:
            click.echo(f"{of['shard']}  {of['state']}")
            click.echo(f"  expected  {of['expected']}")
            click.echo(f"  found     {of['found']}")
        click.echo(
            f"{facts['shards']} shards, {facts['records']:,} records, "
            f"{facts['bytes'] / 1e6:,.1f} MB: {len(facts['bad'])} bad, by SHA-256, in "
            f"{facts['seconds']:.1f} s"
        )
    if facts["bad"]:
        names = [of["shard"] for of in facts["bad"]]
        raise DataError(
            "Every shard must be as `keras-dldl prepare` wrote it; the same call of it again "
            f"writes damaged shards again. Received: {data} with {len(names)} bad: "
            f"{first_few(names, 3)}"
        )


@command.command("info")
@click.argument("data", type=click.Path())
@json_option
def info_command(data, as_json):
    """Show what DATA contains: source, label grid, size, alignment, location, faces by split."""
    from keras_dldl.data.integrity import describe

    facts = describe(data)
    if as_json:
        echo_json(facts)
        return
    for name in ("source", "root", "faces", "grid", "alignment"):
        value = facts[name]
        if isinstance(value, dict):
            value = ", ".join(f"{part} {of}" for part, of in value.items())
        click.echo(f"{name:<10}{value}")
    click.echo(f"{'size':<10}{facts['size']} pixels")
    click.echo(
        f"{'shards':<10}{facts['shards']:,} of {facts['records']:,} faces, "
        f"{facts['bytes'] / 1e6:,.1f} MB\n"
    )
    click.echo(f"{'split':<10}{'faces':>9}{'MB':>11}")
    for split, of in facts["splits"].items():
        click.echo(f"{split:<10}{of['faces']:>9,}{of['bytes'] / 1e6:>11,.1f}")


@command.command("extract")
@click.argument("data", type=click.Path())
@out_option
@click.option(
    "--split", type=Choice(SPLITS), show_default="all", help="Only the faces of this split."
)
def extract_command(data, out, split):
    """Write the faces of DATA as JPEG files, each under its path in manifest.csv."""
    from keras_dldl.data.integrity import extract

    click.echo(f"written  {extract(data, out, split):,} images into {out}")
