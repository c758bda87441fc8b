// The YAML of the config, in CodeMirror, with minigrad's completion and minigrad's errors under the lines.

const CodeMirror = globalThis.CodeMirror;

export class Editor {
  /** `onChange(text)` is called as one types; `complete(text, line, column)` promises words. */
  constructor(area, { onChange, complete }) {
    this.marks = [];
    this.mirror = CodeMirror.fromTextArea(area, {
      mode: "yaml",
      lineNumbers: true,
      lineWrapping: true,
      indentUnit: 2,
      inputStyle: "contenteditable", // which screen readers read
      screenReaderLabel: "Config in YAML",
      extraKeys: {
        "Ctrl-Space": () => this.hint(complete),
        Tab: false, // leaves the editor, as anywhere on the page
        "Shift-Tab": false,
        "Ctrl-]": "indentMore",
        "Ctrl-[": "indentLess",
      },
    });
    let timer;
    this.mirror.on("change", (_, change) => {
      clearTimeout(timer);
      if (change.origin !== "setValue") timer = setTimeout(() => onChange(this.text), 350);
    });
    this.mirror.on("inputRead", (_, { text }) => /^[A-Za-z_]$/.test(text[0]) && this.hint(complete));
  }

  get text() {
    return this.mirror.getValue();
  }

  /** Shows another text; nobody is told. */
  set text(text) {
    if (text !== this.text) this.mirror.setValue(text);
  }

  hint(complete) {
    const find = async (mirror) => {
      const cursor = mirror.getCursor();
      const { start, words } = await complete(mirror.getValue(), cursor.line, cursor.ch).catch(() => ({ words: [] }));
      const list = words.map(({ text, name, about }) => ({ text, displayText: about ? `${name}  –  ${about}` : name }));
      return { list, from: CodeMirror.Pos(cursor.line, start ?? cursor.ch), to: cursor };
    };
    find.async = false;
    this.mirror.showHint({ hint: find, completeSingle: false, closeOnUnfocus: true });
  }

  /** Shows problems, with places, under their lines; none takes them away. */
  show(problems) {
    for (const mark of this.marks) mark.clear();
    this.marks = [];
    const lines = this.mirror.lineCount();
    for (const { line, column, width, message, hint } of problems) {
      const row = Math.min(Math.max(line, 1), lines) - 1;
      const from = CodeMirror.Pos(row, column - 1), to = CodeMirror.Pos(row, column - 1 + width);
      if (line) this.marks.push(this.mirror.markText(from, to, { className: "wrong" }));
      const note = document.createElement("div");
      note.className = "problem";
      note.textContent = hint ? `${message}\n${hint}` : message;
      this.marks.push(this.mirror.addLineWidget(row, note));
    }
  }
}
