"""`hilferuf lexicon`: what a support lead does with a lexicon before and after it goes live. As in `hilferuf.cli`, each command
lives in a module of its own and is imported when it runs."""

import typer

lexicon_app = typer.Typer(help="Lexicons: check them, test them, try a text.", no_args_is_help=True)


@lexicon_app.command("schema")
def lexicon_schema() -> None:
    """Print the JSON Schema of lexicon files, for editors."""
    from hilferuf.commands.lexicon_schema import schema

    raise typer.Exit(schema())
