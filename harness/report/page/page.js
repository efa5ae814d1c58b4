// Ties it together: the table of samples, its filters, and the few switches above it.
const PAGE = 50;
const COLUMNS = [
  ["score", "Score", "score"], ["item", "Item", "id"], ["task", "Task", "task"], ["model", "Model", "model"],
  ["outcome", "Outcome", null], ["text", "Answer", null], ["time", "Time", "-time"], ["tokens", "Tokens", "-tokens"],
];
const hasRows = rows.length > 0;
let wanted = [];

function options(id, entries, value) {
  const known = entries.some(([key]) => key === value) ? entries : [...entries, [value, value]];
  byId(id).replaceChildren(...known.map(([key, label]) => make("option", { value: key, ...(key === value ? { selected: "" } : {}) }, ...safe(label, ""))));
}

function fillFilters() {
  const names = (all, list) => [["", all], ...[...list].sort().map((name) => [name, name])];
  byId("filter-text").value = state.q;
  byId("filter-flipped").checked = state.flipped !== "";
  options("filter-task", names("all", data.tasks), state.task);
  options("filter-model", names("all", data.models), state.model);
  options("filter-beside", names("none", data.models.filter((model) => model !== state.model)), state.beside);
  const kinds = Object.entries(OUTCOMES).map(([key, [label]]) => [key, label]);
  options("filter-outcome", [["", "all"], ...kinds, ...[...data.outcomes].sort().map((name) => [name, name])], state.outcome);
  options("filter-order", Object.entries(ORDERS).map(([key, [label]]) => [key, label]), state.order);
}

function head() {
  const columns = COLUMNS.map(([name, label, by]) => {
    const set = by !== null && state.order.replace("-", "") === by.replace("-", "");
    const attributes = { scope: "col", class: `of-${name}` };
    if (set) attributes["aria-sort"] = state.order.startsWith("-") ? "descending" : "ascending";
    if (by === null) return make("th", attributes, label);
    const turned = by.startsWith("-") ? by.slice(1) : `-${by}`;
    const next = state.order === by ? turned : by;
    return make("th", attributes, make("button", { type: "button", class: "sort", onclick: () => change({ order: next }) }, label));
  });
  byId("rows").tHead.replaceChildren(make("tr", {}, ...columns));
}

const preview = (row) => plain(row.epochs[0].answer).slice(0, 160).replace(/\s+/g, " ").trim();
const isOpen = (row) => state.open === row.id && state.of === row.model && state.in === row.task;

function score(row) {
  const marks = row.epochs.slice(0, 8).map((epoch) => verdict(epoch.passed));
  const other = state.beside && besides(row, state.beside);
  return [...marks, ` ${figures(row.score)}`, ...(other ? [" · ", verdict(other.passed), ` ${figures(other.score)}`] : [])];
}

function line(row) {
  const open = isOpen(row);
  const button = make("button", { type: "button", class: "item", "aria-expanded": String(open), onclick: () => toggle(row) }, foreign(row.id));
  // The whole row opens; only its button is for the keyboard and a screen reader. Marking text in it does not.
  const click = (event) => { if (!event.target.closest("button") && getSelection().isCollapsed) toggle(row); };
  return make("tr", { class: open ? "row is-open" : "row", onclick: click },
    make("td", { class: "of-score" }, ...score(row)), make("th", { scope: "row", class: "of-item" }, button),
    make("td", { class: "of-task" }, foreign(row.task)), make("td", { class: "of-model", title: row.model }, foreign(row.short)),
    make("td", { class: "of-outcome" }, foreign(row.outcomes.join(", "))), make("td", { class: "of-text" }, foreign(preview(row))),
    make("td", { class: "of-time" }, seconds(row.time)), make("td", { class: "of-tokens" }, row.tokens === null ? "n/a" : row.tokens.toFixed(0)));
}

function detail(row) {
  const place = wanted.indexOf(row);
  const step = (label, number) => make("button", {
    type: "button", ...(wanted[number] ? {} : { disabled: "" }), onclick: () => reveal(wanted[number]),
  }, label);
  const link = make("button", { type: "button", onclick: () => copy(location.href, link, "Copy link") }, "Copy link");
  const acts = [step("Previous sample", place - 1), step("Next sample", place + 1), link, make("button", { type: "button", onclick: () => toggle(row) }, "Close")];
  const shown = state.beside ? besides(row, state.beside) : undefined;
  const cell = make("td", { colspan: String(COLUMNS.length) }, sheet(row, shown, (beside) => change({ beside }, true), acts));
  return make("tr", { class: "detail" }, cell);
}

function draw() {
  wanted = found();
  const opened = state.open ? wanted.findIndex(isOpen) : -1;
  const pages = Math.max(1, Math.ceil(wanted.length / PAGE));
  let page = Math.min(Math.max(0, (parseInt(state.page, 10) || 1) - 1), pages - 1);
  if (opened >= 0) page = Math.floor(opened / PAGE);
  state.page = page ? String(page + 1) : "";
  byId("rows").classList.toggle("has-beside", state.beside !== "");
  head();
  const shown = wanted.slice(page * PAGE, (page + 1) * PAGE);
  byId("rows").tBodies[0].replaceChildren(...shown.flatMap((row) => isOpen(row) ? [line(row), detail(row)] : [line(row)]));
  const answers = wanted.reduce((sum, row) => sum + row.epochs.length, 0);
  const repeats = answers === wanted.length ? "" : ` with ${answers.toLocaleString("en")} answers`;
  byId("count").textContent = wanted.length
    ? `${wanted.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows${repeats}, ${order()[0]}`
    : "No sample fits. Reset shows all.";
  byId("place").textContent = `${page + 1} of ${pages}`;
  byId("before").disabled = page === 0;
  byId("after").disabled = page === pages - 1;
  document.querySelector(".pager").hidden = pages === 1;
}

function change(what, keepsOpen = false) {
  Object.assign(state, { page: "" }, keepsOpen ? {} : { open: "", of: "", in: "" }, what);
  if (state.beside && state.beside === state.model) state.beside = "";
  fillFilters();
  draw();
  writeFragment();
}

function toggle(row) {
  const open = !isOpen(row);
  change(open ? { open: row.id, of: row.model, in: row.task, page: state.page } : { page: state.page });
  focusOn(row);
}

function reveal(row) {
  change({ open: row.id, of: row.model, in: row.task });
  focusOn(row);
}

function focusOn(row) {
  const place = wanted.indexOf(row) % PAGE;
  const button = byId("rows").querySelectorAll("button.item")[place];
  if (!button) return;
  button.focus({ preventScroll: true });
  button.scrollIntoView({ block: "nearest" });
}

function arrive() {
  if (!readFragment() || !hasRows) return;
  fillFilters();
  draw();
  const opened = byId("rows").querySelector("tr.is-open");
  (opened || byId("samples")).scrollIntoView();
}

if (hasRows) {
  const filters = { "filter-task": "task", "filter-model": "model", "filter-beside": "beside", "filter-outcome": "outcome", "filter-order": "order" };
  for (const [id, name] of Object.entries(filters)) byId(id).addEventListener("change", (event) => change({ [name]: event.target.value }));
  byId("filter-flipped").addEventListener("change", (event) => change({ flipped: event.target.checked ? "1" : "" }));
  let pause = 0;
  byId("filter-text").addEventListener("input", (event) => {
    clearTimeout(pause);
    pause = setTimeout(() => { Object.assign(state, { q: event.target.value, page: "", open: "", of: "", in: "" }); draw(); writeFragment(); }, 120);
  });
  byId("filter").addEventListener("submit", (event) => event.preventDefault());
  byId("filter-reset").addEventListener("click", () => change({ ...PLAIN }));
  const turn = (by) => { state.page = String((parseInt(state.page, 10) || 1) + by); state.open = state.of = state.in = ""; draw(); writeFragment(); byId("samples").scrollIntoView(); };
  byId("before").addEventListener("click", () => turn(-1));
  byId("after").addEventListener("click", () => turn(1));
  fillFilters();
  draw();
  addEventListener("hashchange", arrive);
  arrive();
}

for (const button of document.querySelectorAll("button.why")) {
  button.addEventListener("click", () => {
    const reasons = byId(button.getAttribute("aria-controls"));
    reasons.hidden = !reasons.hidden;
    button.setAttribute("aria-expanded", String(!reasons.hidden));
  });
}
const picked = byId("trade-off-task");
if (picked) {
  const show = () => document.querySelectorAll("#trade-off .choice").forEach((part, number) => { part.hidden = String(number) !== picked.value; });
  picked.addEventListener("change", show);
  show();
}
