"""A spec as it is written in an editor: the language server behind `archspec lsp`, and `archspec format`.

One feature is one file.  ``documents`` holds the open texts and what is known of each; ``places`` says what stands
where in a spec; ``server`` speaks the Language Server Protocol (https://microsoft.github.io/language-server-protocol).
Loading, elaboration and analyses are those of the command line.
"""
