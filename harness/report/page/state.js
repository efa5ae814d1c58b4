// What is shown: read from the fragment of the address, and written into it, so that every view has a link.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const PLAIN = { q: "", task: "", model: "", beside: "", outcome: "", order: "worst", flipped: "", open: "", of: "", in: "", page: "" };
const state = { ...PLAIN };

function readFragment() {
  const [place, ...pairs] = location.hash.slice(1).split("&");
  if (place !== "samples") return false;
  Object.assign(state, PLAIN);
  for (const pair of pairs) {
    const [name, ...value] = pair.split("=");
    if (!Object.hasOwn(PLAIN, name)) continue;
    try {
      state[name] = decodeURIComponent(value.join("="));
    } catch { /* Not written by this page. */ }
  }
  return true;
}

function fragment() {
  const set = Object.keys(PLAIN).filter((name) => state[name] !== PLAIN[name]);
  return ["#samples", ...set.map((name) => `${name}=${encodeURIComponent(state[name])}`)].join("&");
}

// Replaces the entry of the history: going back leaves the samples, however many letters were typed.
const writeFragment = () => history.replaceState(null, "", fragment());
