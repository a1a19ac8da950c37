// archspec in VS Code: starts `archspec lsp` for YAML files, and shows the network's picture beside the text.

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

const PAUSE = 300; // milliseconds without a keystroke before the picture is drawn again

let client;
let panel;
let shown; // the address of the text that the picture is of
let waiting;

async function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("archspec.showPicture", showPicture),
    vscode.commands.registerCommand("archspec.restart", restart),
    vscode.workspace.onDidChangeTextDocument((event) => {
      if (event.document.uri.toString() === shown) redraw();
    }),
    vscode.window.onDidChangeActiveTextEditor((editor) => {
      if (panel && editor && editor.document.languageId === "yaml") {
        shown = editor.document.uri.toString();
        redraw();
      }
    }),
  );
  await start();
}

async function start() {
  const settings = vscode.workspace.getConfiguration("archspec");
  const [command, ...args] = settings.get("command");
  client = new LanguageClient(
    "archspec",
    "archspec",
    { command, args },
    {
      documentSelector: [{ language: "yaml" }],
      initializationOptions: { hints: settings.get("hints"), delay: settings.get("delay") },
      synchronize: {
        configurationSection: "archspec",
        fileEvents: vscode.workspace.createFileSystemWatcher("**/*.{yaml,yml}"),
      },
    },
  );
  try {
    await client.start();
  } catch (error) {
    const hint = "pip install 'archspec-nn[editor]', or set archspec.command";
    vscode.window.showErrorMessage(`archspec's language server did not start (${hint}): ${error.message}`);
  }
}

async function restart() {
  await client?.stop().catch(() => undefined);
  await start();
}

function showPicture() {
  const editor = vscode.window.activeTextEditor;
  if (!editor || editor.document.languageId !== "yaml") return;
  shown = editor.document.uri.toString();
  if (!panel) {
    const beside = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    panel = vscode.window.createWebviewPanel("archspec.picture", "archspec", beside, { enableScripts: false });
    panel.onDidDispose(() => {
      panel = shown = undefined;
    });
  }
  redraw(0);
}

function redraw(pause = PAUSE) {
  clearTimeout(waiting);
  waiting = setTimeout(draw, pause);
}

async function draw() {
  if (!panel || !shown || !client?.isRunning()) return;
  const uri = shown;
  const picture = await client.sendRequest("archspec/picture", { uri }).catch(() => null);
  if (!panel || uri !== shown) return;
  if (picture) panel.title = picture.name;
  if (picture || !panel.webview.html) panel.webview.html = page(picture?.svg);
}

// The picture goes in as an image: nothing in it can run, or load anything.
function page(svg) {
  const source = svg && `data:image/svg+xml;base64,${Buffer.from(svg, "utf8").toString("base64")}`;
  const body = source ? `<img src="${source}">` : "<p>The picture appears when the spec has no errors.</p>";
  const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
  return `<!DOCTYPE html><html><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<style>img { display: block; margin: 1em auto; max-width: 100%; background: white; }</style>
</head><body>${body}</body></html>`;
}

async function deactivate() {
  await client?.stop();
}

module.exports = { activate, deactivate };
