"""`schema`: the JSON Schema of a run file, or of a routing file."""

import json

import click


@click.command()
@click.argument("file_type", type=click.Choice(("run", "routing")), default="run", metavar="[run|routing]")
@click.option("--kind", metavar="KIND", help="Only records of this kind, such as sample.")
def schema(file_type: str, kind: str | None) -> None:
    """Print the JSON Schema of a line of a run file, or of a routing file, generated from the code that writes it.

    Readers ignore kinds and keys that they do not know; a new kind, or a new field with a default, does not change the
    schema's name, `lms-harness/1` or `lms-harness-routing/1`.

    \b
    Examples:
      lms-harness schema > run-file.schema.json
      lms-harness schema --kind sample
      lms-harness schema routing > routing.schema.json
    """
    from harness.domain.kind import Kinds
    from harness.domain.schema import json_schema, routing_schema

    if kind is not None and file_type == "routing":
        raise click.UsageError("--kind: a routing file has no kinds of records")
    if kind is not None and kind not in Kinds.by_name:
        raise click.UsageError(f"--kind: expected one of {', '.join(Kinds.by_name)}, got {kind!r}")
    click.echo(json.dumps(routing_schema() if file_type == "routing" else json_schema(kind), indent=2))
