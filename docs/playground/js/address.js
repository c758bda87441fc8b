// Where Pyodide and its packages come from. To serve them yourself, change it here and in the policy of index.html.
export const PYODIDE = "https://cdn.jsdelivr.net/pyodide/v0.27.7/full/";
