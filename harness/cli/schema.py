"""`schema`: the JSON Schema of a run file."""

import json

import click


@click.command()
@click.option("--kind", metavar="KIND", help="Only records of this kind, such as sample.")
def schema(kind: str | None) -> None:
    """Print the JSON Schema of a line of a run file, generated from the code that reads and writes it.

    Readers ignore kinds and keys that they do not know; a new kind, or a new field with a default, does not change the
    schema's name, `lms-harness/1`.

    \b
    Examples:
      lms-harness schema > run-file.schema.json
      lms-harness schema --kind sample
    """
    from harness.domain.record import Kinds
    from harness.domain.schema import json_schema

    if kind is not None and kind not in Kinds.by_name:
        raise click.UsageError(f"--kind: expected one of {', '.join(Kinds.by_name)}, got {kind!r}")
    click.echo(json.dumps(json_schema(kind), indent=2))
