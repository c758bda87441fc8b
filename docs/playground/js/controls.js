// The controls beside the editor: they show what the config says, and turning one asks Python to write it.

const ACTIVATIONS = ["tanh", "relu", "sigmoid", "gelu"];

export class Controls {
  /** `onTurn(name, value)` is called when a control was changed by hand. */
  constructor(form, onTurn) {
    this.form = form;
    for (const name of ACTIVATIONS) form.elements.activation.add(new Option(name));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", ({ target }) => (target.dataset.typed = "yes")); // which nothing may overwrite
    form.addEventListener("change", ({ target }) => {
      delete target.dataset.typed;
      const value = target.type === "number" ? Number(target.value) : target.value;
      if (target.value !== "" && target.validity.valid) onTurn(target.name, value);
    });
  }

  /** Shows what the config says; undefined where it has nothing of the kind. */
  show(values) {
    for (const [name, value] of Object.entries(values)) {
      const field = this.form.elements[name];
      const isThere = value !== undefined || (name === "width" && values.layers !== undefined);
      field.disabled = !isThere;
      field.closest("label").hidden = !isThere;
      if (field.tagName === "SELECT" && isThere && ![...field.options].some((o) => o.value === value)) {
        field.add(new Option(value));
      }
      if (!field.dataset.typed) field.value = value ?? "";
    }
  }
}
