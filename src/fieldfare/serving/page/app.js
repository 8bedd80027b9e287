// The page at /: what the server runs, how fast it answers, and forms to try it.

const POLL_MS = 2000;
const SHOWN_TERMS = 12;
const SHOWN_FIELDS = 3;
const byId = (id) => document.getElementById(id);
let models = [];
let before = null;

// ---- the server -------------------------------------------------------------------------------

async function ask(path, body) {
  const token = sessionStorage.getItem("token");
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const options = { headers };
  if (body !== undefined) {
    options.method = "POST";
    options.body = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
    headers["X-Timeout-Ms"] = "5000";
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer.");
  }
  if (answer.status === 401 || answer.status === 403) byId("token-form").hidden = false;
  if (answer.ok) return answer;
  const { error } = await answer.json().catch(() => ({ error: null }));
  const where = error?.where ? ` (at ${error.where})` : "";
  throw new Error(error ? `${error.message}${where} [${error.code}]` : answer.statusText);
}

const askJson = async (path, body) => (await ask(path, body)).json();

function complain(error) {
  byId("error").hidden = !error;
  byId("error").textContent = error ? error.message : "";
  if (error) byId("error").scrollIntoView({ block: "nearest" });
}

// ---- elements ---------------------------------------------------------------------------------

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return shown.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, String(value))]);
}

function field(name, placeholder) {
  const input = element("input", { name, placeholder, autocomplete: "off" });
  return element("label", {}, name, input);
}

const number = (x, digits = 4) => (Number.isFinite(x) ? x.toPrecision(digits) : "–");

function valueOf(text) {
  // A number as a number, since that is what columns of numbers hold; anything else as text.
  if (!/^-?(0|[1-9]\d{0,14})(\.\d+)?$/.test(text)) return text;
  return Number(text);
}

function values(form) {
  const filled = [...new FormData(form)].filter(([, text]) => text.trim() !== "");
  return Object.fromEntries(filled.map(([name, text]) => [name, valueOf(text.trim())]));
}

// ---- models -----------------------------------------------------------------------------------

function card(slot) {
  const one = slot.active;
  const share = slot.share === undefined ? undefined : `${Math.round(100 * slot.share)} % of users`;
  return element(
    "article", { class: "card" },
    element("h3", {}, one.version),
    element("dl", { class: "facts" }, ...facts([
      ["Model", `${one.kind}, ${one.task}`],
      ["Features", one.features.toLocaleString("en")],
      ["Columns", one.columns.join(", ")],
      ["Items", one.items?.toLocaleString("en")],
      ["Ranker", one.ranker],
      ["Share", share],
      ["Shadow", slot.shadow ? "computes along; nobody gets its lists" : undefined],
      ["Trained", one.trained],
      ["Loaded", new Date(1000 * one.loaded).toLocaleString()],
      ["File", `${one.file} (${one.checksum.slice(0, 12)})`],
      ["Before", slot.previous?.version],
      ["Loaded beside", slot.staged?.version],
    ])),
  );
}

async function showModels() {
  const found = await askJson("models");
  const fresh = JSON.stringify(found);
  if (fresh === showModels.last) return;
  showModels.last = fresh;
  models = found.models;
  byId("models").replaceChildren(...models.map(card));
  const chosen = byId("model").value || found.default;
  byId("model").replaceChildren(...models.map((slot) => element("option", {}, slot.name)));
  byId("model").value = models.some((slot) => slot.name === chosen) ? chosen : found.default;
  showForms();
}

const chosenModel = () => models.find((slot) => slot.name === byId("model").value).active;

function showForms() {
  const one = chosenModel();
  byId("recommend").hidden = one.items === undefined;
  if (one.items !== undefined) {
    byId("recommend-fields").replaceChildren(
      field(one.user_column, "id; empty: nobody is known"),
      ...(one.contexts ?? []).map((name) => field(name, "")),
    );
  }
  byId("predict").hidden = one.columns.length === 0;
  byId("predict-fields").replaceChildren(...one.columns.map((name) => field(name, "")));
  byId("result").hidden = true;
}

// ---- trying it --------------------------------------------------------------------------------

function show(...children) {
  byId("result").replaceChildren(...children);
  byId("result").hidden = false;
  byId("result").focus();
}

function bars(explanation) {
  const terms = [...explanation.terms].sort((a, b) => Math.abs(b.term) - Math.abs(a.term));
  const shown = terms.slice(0, SHOWN_TERMS);
  const rest = terms.slice(SHOWN_TERMS);
  if (rest.length) {
    const sum = rest.reduce((total, one) => total + one.term, 0);
    shown.push({ of: `${rest.length} more`, term: sum });
  }
  const most = Math.max(...shown.map((one) => Math.abs(one.term))) || 1;
  const rows = shown.flatMap(({ of, term }) => {
    const inner = element("i", { class: term < 0 ? "down" : "up" });
    inner.style.width = `${(50 * Math.abs(term)) / most}%`;
    return [
      element("span", { class: "of" }, of === "bias" ? "every row (bias)" : of),
      element("span", { class: "bar", "aria-hidden": "true" }, inner),
      element("span", { class: "value" }, (term < 0 ? "−" : "+") + number(Math.abs(term), 3)),
    ];
  });
  const unknown = explanation.n_unknown
    ? [element("p", { class: "note" }, `${explanation.n_unknown} value(s) are unknown to the model.`)]
    : [];
  return [element("div", { class: "bars" }, ...rows), ...unknown];
}

async function predict(event) {
  // A column that is left empty is missing.
  const empty = Object.fromEntries([...new FormData(event.target).keys()].map((k) => [k, null]));
  const row = { ...empty, ...values(event.target) };
  const explanation = await askJson("v1/explain", { row, model: byId("model").value });
  const prediction = explanation.prediction ?? explanation.score;
  show(
    element("h3", {}, "Prediction"),
    element("p", { class: "big" }, number(prediction)),
    element("p", { class: "note" }, `The score ${number(explanation.score)} is the sum of these terms:`),
    ...bars(explanation),
  );
}

function shownFields(one) {
  // Titles first: they are what people know items by.
  const rank = (name) => (/title|name/i.test(name) ? 0 : 1);
  return [...(one.fields ?? [])].sort((a, b) => rank(a) - rank(b)).slice(0, SHOWN_FIELDS);
}

async function recommend(event) {
  const one = chosenModel();
  const { [one.user_column]: user = null, ...contexts } = values(event.target);
  const fields = shownFields(one);
  const request = { user, contexts, n: 10, fields, model: byId("model").value };
  const answer = await askJson("v1/recommend", request);
  const list = answer.results[0];
  const sources = {
    model: "Ordered by what is known of the user.",
    context: "Nothing is known of the user: ordered by the situation.",
    popular: "Nothing is known: ordered by popularity.",
  };
  const items = list.items.map((item) => {
    const words = fields.map((name) => item[name]).filter((x) => x !== null && x !== undefined);
    const explained = () => attempt(() => explainItem(user, item, words[0] ?? item.id, contexts));
    return element(
      "li", {},
      words.length ? `${words.join(" · ")} ` : `${item.id} `,
      element("span", { class: "score" }, number(item.score, 3)), " ",
      ...(list.source === "popular" ? [] : [
        element("button", { class: "plain", type: "button", onclick: explained }, "why"),
      ]),
    );
  });
  show(
    element("h3", {}, user === null ? "Recommended" : `Recommended to ${user}`),
    element("p", { class: "note" }, `${sources[list.source]} ${answer.model}, ${number(answer.ms, 2)} ms`),
    items.length ? element("ol", {}, ...items) : element("p", {}, "There is no such item."),
    element("div", { id: "why" }),
  );
}

async function explainItem(user, item, title, contexts) {
  const request = { user, item: item.id, contexts, model: byId("model").value };
  const explanation = await askJson("v1/explain", request);
  byId("why").replaceChildren(
    element("h3", {}, `Why ${title}`),
    element("p", { class: "note" }, `The score ${number(explanation.score)} is the sum of these terms:`),
    ...bars(explanation),
  );
  byId("why").scrollIntoView({ block: "nearest" });
}

async function attempt(work) {
  complain(null);
  try {
    await work();
  } catch (error) {
    complain(error);
  }
}

async function submitted(event, work) {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  await attempt(() => work(event));
  button.disabled = false;
}

// ---- how it goes ------------------------------------------------------------------------------

function parse(text) {
  const lines = text.split("\n").filter((line) => line && !line.startsWith("#"));
  return lines.map((line) => {
    const [, name, labels = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line);
    const found = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
    return { name, labels: Object.fromEntries(found.map(([, k, v]) => [k, v])), value: Number(value) };
  });
}

function byOperation(samples) {
  const found = new Map();
  for (const { name, labels, value } of samples) {
    if (!name.startsWith("fieldfare_request_seconds_")) continue;
    const one = found.get(labels.endpoint) ?? { count: 0, errors: 0, buckets: new Map() };
    found.set(labels.endpoint, one);
    if (name.endsWith("_count")) {
      one.count += value;
      if (Number(labels.status) >= 400) one.errors += value;
    } else if (name.endsWith("_bucket")) {
      const limit = Number(labels.le.replace("+Inf", "Infinity"));
      one.buckets.set(limit, (one.buckets.get(limit) ?? 0) + value);
    }
  }
  return found;
}

function within(now, then, share) {
  const limits = [...now.buckets.keys()].sort((a, b) => a - b);
  const counts = limits.map((limit) => now.buckets.get(limit) - (then?.buckets.get(limit) ?? 0));
  const total = counts.at(-1);
  if (!total) return "–";
  const limit = limits[counts.findIndex((count) => count >= share * total)];
  return Number.isFinite(limit) ? `${+(1000 * limit).toFixed(1)} ms` : "more";
}

async function showRates() {
  const samples = parse(await (await ask("metrics")).text());
  const now = { at: performance.now(), of: byOperation(samples) };
  const own = new Set(["metrics", "models", "ready", "live", "openapi", "page", "part"]);
  const rows = [...now.of].filter(([name]) => !own.has(name)).map(([name, one]) => {
    const then = before?.of.get(name);
    const rate = before ? (1000 * (one.count - (then?.count ?? 0))) / (now.at - before.at) : 0;
    return element(
      "tr", {},
      ...[name, one.count.toLocaleString("en"), one.errors.toLocaleString("en"), rate.toFixed(1),
        within(one, then, 0.5), within(one, then, 0.99)].map((text) => element("td", {}, text)),
    );
  });
  const nothing = element("tr", {}, element("td", { colspan: "6" }, "None yet."));
  byId("rates").replaceChildren(...(rows.length ? rows : [nothing]));
  const sum = (name) => samples.filter((s) => s.name === name).reduce((t, s) => t + s.value, 0);
  const lists = sum("fieldfare_lists_total");
  const share = (x) => (lists ? `${((100 * x) / lists).toFixed(1)} %` : "–");
  byId("gauges").replaceChildren(...facts([
    ["Requests that wait", sum("fieldfare_queue_depth")],
    ["Lists for unknown users", share(sum("fieldfare_unknown_users_total"))],
    ["Empty lists", share(sum("fieldfare_empty_lists_total"))],
    ["Batches without features", sum("fieldfare_degraded_total")],
  ]));
  before = now;
}

async function poll() {
  try {
    await showModels();
    await showRates();
    byId("state").textContent = "ready";
    byId("token-form").hidden = true;
  } catch (error) {
    byId("state").textContent = error.message;
  }
}

// ---- begin ------------------------------------------------------------------------------------

byId("model").addEventListener("change", showForms);
byId("predict").addEventListener("submit", (event) => submitted(event, predict));
byId("recommend").addEventListener("submit", (event) => submitted(event, recommend));
byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", byId("token").value);
  poll();
});
await poll();
setInterval(() => document.hidden || poll(), POLL_MS);
