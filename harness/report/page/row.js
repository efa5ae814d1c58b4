// The rows: one for each model on an item, with all its repeats. `rank` is the place in the order worst first.
const mean = (values) => values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
const plain = (text) => typeof text === "string" ? text : `${text[0]} ${text[1]}`;

const rows = (data.rows || []).map((made, rank) => {
  const item = data.items[made.item];
  const scores = made.epochs.map((epoch) => epoch.score).filter((score) => score !== null);
  const passes = made.epochs.map((epoch) => epoch.passed).filter((passed) => passed !== null);
  const known = (name) => made.epochs.map((epoch) => epoch[name]).filter((figure) => figure !== null);
  return {
    ...made, rank, item, itemNumber: made.item,
    task: data.tasks[item.task], model: data.models[made.model], short: data.short[made.model], id: item.id,
    score: mean(scores),
    passed: passes.length ? 2 * passes.filter(Boolean).length > passes.length : null,
    outcomes: [...new Set(made.epochs.map((epoch) => data.outcomes[epoch.outcome]))],
    time: mean(known("e2e")), tokens: mean(known("tokens")),
  };
});
const siblings = new Map();
for (const row of rows) siblings.set(row.itemNumber, [...(siblings.get(row.itemNumber) || []), row]);
const besides = (row, model) => (siblings.get(row.itemNumber) || []).find((other) => other.model === model && other !== row);

// What is searched, and for: any blanks count as one, so that text over several lines is found. Made when first needed.
const searched = (text) => text.replace(/\s+/g, " ").toLowerCase();
function words(row) {
  if (row.words === undefined) {
    const prompt = data.prompts[row.epochs[0].prompt];
    const said = prompt ? [prompt.system || "", ...prompt.turns, prompt.text, ...prompt.tools] : [];
    const answers = row.epochs.flatMap((epoch) => [epoch.answer, epoch.thoughts, epoch.reason, epoch.error]);
    row.words = [row.id, row.item.target, ...said, ...answers].map((part) => searched(plain(part))).join("\n");
  }
  return row.words;
}

const OUTCOMES = {
  failed: ["fails", (row) => row.epochs.some((epoch) => epoch.counts && epoch.passed === false)],
  passed: ["passes", (row) => row.passed === true],
  unjudged: ["not judged", (row) => row.epochs.some((epoch) => epoch.score === null)],
  varies: ["repeats differ", (row) => new Set(row.epochs.map((epoch) => epoch.passed).filter((passed) => passed !== null)).size > 1],
};

function isWanted(row) {
  if (state.task && row.task !== state.task) return false;
  if (state.model && row.model !== state.model) return false;
  if (state.beside && !besides(row, state.beside)) return false;
  if (state.flipped && !(state.beside ? row.passed !== besides(row, state.beside).passed : row.item.flipped)) return false;
  if (Object.hasOwn(OUTCOMES, state.outcome)) {
    if (!OUTCOMES[state.outcome][1](row)) return false;
  } else if (state.outcome && !row.outcomes.includes(state.outcome)) return false;
  return !state.q || words(row).includes(searched(state.q).trim());
}

// By rank last, so that equal ones stay worst first. What is not known comes last in both directions.
const byFigure = (name, sign) => (a, b) => {
  const [x, y] = [a[name], b[name]];
  if (x === null || y === null) return (x === null) - (y === null) || a.rank - b.rank;
  return sign * (x - y) || a.rank - b.rank;
};
const byText = (name, sign) => (a, b) => (a[name] < b[name] ? -sign : a[name] > b[name] ? sign : 0) || a.rank - b.rank;
const ORDERS = {
  worst: ["worst first", (a, b) => a.rank - b.rank],
  score: ["lowest score", byFigure("score", 1)], "-score": ["highest score", byFigure("score", -1)],
  id: ["item", byText("id", 1)], "-id": ["item, backwards", byText("id", -1)],
  task: ["task", byText("task", 1)], "-task": ["task, backwards", byText("task", -1)],
  model: ["model", byText("model", 1)], "-model": ["model, backwards", byText("model", -1)],
  "-time": ["slowest", byFigure("time", -1)], time: ["quickest", byFigure("time", 1)],
  "-tokens": ["longest answer", byFigure("tokens", -1)], tokens: ["shortest answer", byFigure("tokens", 1)],
};

const order = () => Object.hasOwn(ORDERS, state.order) ? ORDERS[state.order] : ORDERS.worst;
const found = () => rows.filter(isWanted).sort(order()[1]);
