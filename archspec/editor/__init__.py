"""Editor support: the language server behind `archspec lsp`, and `archspec format`.

Each feature is one file.  ``documents`` holds the open texts and their studies; ``places`` locates every word of a
spec; ``server`` speaks the Language Server Protocol (https://microsoft.github.io/language-server-protocol).
Loading, elaboration and analyses are those of the command line.
"""
