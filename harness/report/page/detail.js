// One sample whole. Foreign text enters the page only as the text of a node, never as markup.
function make(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "class") node.className = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

// Controls, and characters that turn the direction of text or hide, are shown by their code point.
const ACTING = /([\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Co}])/u;
function safe(text, keeps = "\n\t") {
  return text.split(ACTING).filter((part) => part !== "").map((part) => {
    if (!ACTING.test(part) || keeps.includes(part)) return document.createTextNode(part);
    const code = part.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    return make("span", { class: "code-point" }, `U+${code}`);
  });
}
const foreign = (text) => make("bdi", {}, ...safe(text, ""));

const figures = (value, digits = 2) => value === null ? "n/a" : value.toFixed(digits);
const seconds = (value) => value === null ? "n/a" : value > 0 && value < 0.1 ? `${(1000 * value).toFixed(0)} ms` : value < 10 ? `${value.toFixed(2)} s` : `${value.toFixed(1)} s`;
// None where a name would act in a terminal that it is pasted into.
const showCommand = (row) => {
  const { show } = data.cells[row.cell];
  return show && row.item.word ? `${show} --item ${row.item.word} --json` : null;
};
const cutNote = ([start, end, length], row) => make("span", { class: "cut" },
  `cut at ${(start.length + end.length).toLocaleString("en")} of ${length.toLocaleString("en")} characters`, showCommand(row) ? "; the command below has it all" : "");

function text(title, value, row) {
  const shown = plain(value).trim() === ""
    ? [make("span", { class: "empty" }, "(empty)")]
    : typeof value === "string" ? safe(value) : [...safe(value[0]), cutNote(value, row), ...safe(value[1])];
  return make("div", {}, make("h4", {}, title), make("pre", { dir: "auto", tabindex: "0", role: "group", "aria-label": title }, ...shown));
}

function verdict(passed) {
  if (passed === null) return make("span", { class: "verdict none" }, "–", make("span", { class: "unseen" }, " not judged"));
  return passed
    ? make("span", { class: "verdict pass" }, "✓", make("span", { class: "unseen" }, " passes"))
    : make("span", { class: "verdict fail" }, "✗", make("span", { class: "unseen" }, " fails"));
}

function command(line, what) {
  if (!line) return null;
  const button = make("button", { type: "button", onclick: () => copy(line, button, "Copy") }, "Copy");
  button.append(make("span", { class: "unseen" }, ` ${what}`));
  return make("div", {}, make("h4", {}, what), make("div", { class: "command" }, make("code", { dir: "ltr" }, line), button));
}

async function copy(line, button, label) {
  let done = true;
  try {
    await navigator.clipboard.writeText(line);
  } catch {
    const area = make("textarea", {}, line);
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
  }
  button.firstChild.textContent = done ? "Copied" : "Select it by hand";
  setTimeout(() => { button.firstChild.textContent = label; }, 1600);
}

function promptOf(row) {
  const first = row.epochs[0];
  const prompt = data.prompts[first.prompt];
  if (!prompt) return [make("p", { class: "missing" }, "The prompt was not recorded: the run had --no-prompts, or is of version 0.1.0.")];
  const shown = prompt.system === null ? [] : [text("system prompt", prompt.system, row)];
  prompt.turns.forEach((turn, number) => {
    shown.push(text(`turn ${number + 1}`, turn, row));
    if (number < first.turns.length) shown.push(text(`answer to turn ${number + 1}`, first.turns[number], row));
  });
  const isBranch = prompt.continues !== null && prompt.continues !== prompt.turns.length;
  shown.push(text(isBranch ? `prompt, after turn ${prompt.continues}` : "prompt", prompt.text, row));
  for (const tool of prompt.tools) shown.push(text("function", tool, row));
  for (const image of prompt.images) shown.push(make("p", {}, "image: ", foreign(image)));
  return shown;
}

function answersOf(row) {
  const shown = [make("h3", {}, foreign(row.model))];
  for (const epoch of row.epochs) {
    const outcome = data.outcomes[epoch.outcome];
    const facts = [
      epoch.score === null ? "not judged" : `score ${figures(epoch.score)}`, outcome === "ok" ? null : outcome,
      epoch.ttft === null ? null : `first token ${seconds(epoch.ttft)}`, epoch.e2e === null ? null : `whole answer ${seconds(epoch.e2e)}`,
      epoch.tokens === null ? null : epoch.tokens === 1 ? "1 token" : `${epoch.tokens} tokens`,
    ].filter((fact) => fact !== null);
    const repeat = row.epochs.length > 1 ? `answer, repeat ${epoch.n}` : "answer";
    if (plain(epoch.thoughts).trim()) shown.push(text("thoughts", epoch.thoughts, row));
    shown.push(text(repeat, epoch.answer, row));
    shown.push(make("p", { class: "facts" }, verdict(epoch.passed), " ", foreign(facts.join(", "))));
    if (epoch.reason && epoch.reason !== outcome) shown.push(make("p", {}, foreign(epoch.reason)));
    if (epoch.error) shown.push(make("p", { class: "fail" }, foreign(epoch.error)));
  }
  return make("div", {}, ...shown);
}

function otherModels(row, shown, choose) {
  const others = (siblings.get(row.itemNumber) || []).filter((other) => other !== row);
  if (!others.length) return null;
  const buttons = others.map((other) => make("li", {}, make("button", {
    type: "button", "aria-pressed": String(other === shown), onclick: () => choose(other === shown ? "" : other.model),
  }, verdict(other.passed), " ", foreign(other.model), ` ${figures(other.score)}`)));
  return make("div", {}, make("h4", {}, "other models on this item; choose one to put it beside"), make("ul", { class: "others" }, ...buttons));
}

function sheet(row, shown, choose, acts) {
  const target = text("target", row.item.target, row);
  target.className = "target";
  const asked = [...promptOf(row), target];
  return make("article", { class: "sheet", "aria-label": "Sample" },
    make("h3", {}, foreign(row.id), " ", make("span", { class: "none" }, "in ", foreign(row.task))),
    ...(shown
      ? [...asked, make("div", { class: "columns" }, answersOf(row), answersOf(shown))]
      : [make("div", { class: "columns" }, make("div", {}, ...asked), answersOf(row))]),
    otherModels(row, shown, choose),
    command(data.cells[row.cell].rerun, "ask this model this task again"), command(showCommand(row), "show all answers to this item whole"),
    make("div", { class: "acts" }, ...acts));
}
