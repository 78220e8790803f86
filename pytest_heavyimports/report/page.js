"use strict";
const report = JSON.parse(document.getElementById("report").textContent);
const byId = (id) => document.getElementById(id);

// Figures for people. Sums come from the report alone.
const seconds = (us) => us == null ? "" : us < 9950 ? `${(us / 1e3).toFixed(2)} ms` : `${(us / 1e6).toFixed(2)} s`;
const memory = (bytes) => bytes == null ? "" : `${bytes < 0 ? "−" : "+"}${(Math.abs(bytes) / 2 ** 20).toFixed(1)} MiB`;
const percent = (share) => share == null ? "" : `${(share * 100).toFixed(0)} %`;

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value; else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// Head

function showHead() {
  const workers = report.processes.length;
  const collected = report.collection_us ? `; collection took ${seconds(report.collection_us)}, ` +
    `${seconds(report.collection_us - report.collection_heavy_us)} without heavy modules` : "";
  byId("summary").textContent = `${new Date(report.begun_s * 1e3).toLocaleString()}, ${report.made_by}: a run of ` +
    `${seconds(report.duration_us)}${workers > 1 ? ` in ${workers} processes` : ""}, ${seconds(report.heavy_us)} of it ` +
    `for heavy modules${workers > 1 ? " in the slowest" : ""}${collected}.`;
  const notice = (text, bad) => byId("notices").append(element("li", { className: bad ? "bad" : "", textContent: text }));
  if (report.over_budget.length) notice(report.over_budget.join("\n"), true);
  for (const process of report.processes) {
    if (process.died) notice(`${process.name} died (${process.died}): what it did after its last report is not known.`, true);
  }
  if (report.hint) notice(`Hint: ${report.hint}`);
}

function setUpTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const use = (isDark) => {
    document.documentElement.dataset.theme = isDark ? "dark" : "light";
    byId("theme").setAttribute("aria-pressed", isDark);
  };
  use(dark.matches);
  dark.addEventListener("change", () => use(dark.matches));
  byId("theme").addEventListener("click", () => use(document.documentElement.dataset.theme !== "dark"));
}

function setUpTabs() {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const choose = (chosen) => {
    for (const tab of tabs) {
      const isChosen = tab === chosen;
      tab.setAttribute("aria-selected", isChosen);
      tab.tabIndex = isChosen ? 0 : -1;
      byId(tab.getAttribute("aria-controls")).hidden = !isChosen;
    }
    if (chosen.id === "tab-timeline") timeline.show();
    if (chosen.id === "tab-imports") icicle.show();
  };
  tabs.forEach((tab, number) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, Home: -number, End: tabs.length - 1 - number }[event.key];
      if (step === undefined) return;
      const next = tabs[(number + step + tabs.length) % tabs.length];
      choose(next);
      next.focus();
      event.preventDefault();
    });
  });
}

// Tables

const SHOWN = 200;

function showTable(place, caption, columns, rows, nothing) {
  if (!rows.length) {
    byId(place).append(element("h2", { textContent: caption }), element("p", { textContent: nothing }));
    return;
  }
  columns = columns.filter((column) => rows.some((row) => column.text(row) !== ""));
  const body = element("tbody");
  const more = element("button", { type: "button", className: "more", textContent: `Show all ${rows.length}` });
  let limit = SHOWN;
  const fill = () => {
    body.replaceChildren(...rows.slice(0, limit).map((row) => element("tr", {}, ...columns.map((column) =>
      element("td", { className: column.value ? "number" : "", textContent: column.text(row) })))));
    more.hidden = limit >= rows.length;
  };
  more.addEventListener("click", () => { limit = rows.length; fill(); });
  const heads = columns.map((column) => {
    const head = element("th", { scope: "col", className: column.value ? "number" : "", "aria-sort": "none" },
      element("button", { type: "button", textContent: column.name }));
    head.addEventListener("click", () => {
      const isDown = head.getAttribute("aria-sort") === (column.value ? "descending" : "ascending") ? !column.value : !!column.value;
      const key = column.value ?? column.text;
      rows.sort((a, b) => {
        const [one, other] = [key(a) ?? -Infinity, key(b) ?? -Infinity];
        return (one < other ? -1 : one > other ? 1 : 0) * (isDown ? -1 : 1);
      });
      heads.forEach((each) => each.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
      fill();
    });
    return head;
  });
  fill();
  byId(place).append(element("table", {}, element("caption", { textContent: caption }),
    element("thead", {}, element("tr", {}, ...heads)), body), more);
}

const figure = (name, value, shown) => ({ name, value, text: (row) => shown(value(row)) });
const words = (name, text) => ({ name, text });

function showTables() {
  showTable("modules", "Heavy modules", [
    words("module", (row) => `${row.fullname} ${row.version}`),
    figure("time", (row) => row.cumulative_us, seconds),
    figure("of the run", (row) => row.share, percent),
    figure("memory", (row) => row.rss_bytes, memory),
    words("first import", (row) => (row.process ? `${row.process}, ` : "") + row.first.text),
    words("by way of", (row) => row.chain.join(" › ")),
    figure("processes", (row) => row.processes.length, (count) => report.processes.length > 1 ? String(count) : ""),
    words("error", (row) => row.error),
  ], [...report.modules], "Nothing heavy was imported.");
  showTable("packages", "Packages, without what they import", [
    words("package", (row) => row.name),
    figure("own time", (row) => row.self_us, seconds),
    figure("own memory", (row) => row.rss_self_bytes, memory),
    figure("modules", (row) => row.modules, String),
  ], [...report.packages], "Nothing was measured.");
  showTable("loads", "Every module", [
    words("module", (row) => row.fullname),
    figure("time", (row) => row.cumulative_us, seconds),
    figure("own time", (row) => row.self_us, seconds),
    figure("memory", (row) => row.rss_bytes, memory),
    figure("own memory", (row) => row.rss_self_bytes, memory),
    words("imported by", (row) => row.importer < 0 ? "" : report.tree[row.importer].fullname),
  ], [...report.tree].sort((a, b) => b.self_us - a.self_us), "Nothing was measured.");
}

// The guard, and moments of the run

const ACTS = {
  reload: (event) => ({ who: event.place.text, what: `reloads ${event.fullname}`, became: event.refused ? "refused" : "ignored" }),
  reimport: (event) => ({ who: event.place.text, what: `imports ${event.fullname} again, taken by ${event.taken_by.text}`,
    became: event.refused ? "refused" : "given back" }),
  leak: (event) => ({ who: event.owner.text, what: `left ${event.is_fake ? "a fake of " : ""}${event.fullnames[0]}` +
    (event.fullnames.length > 1 ? ` and ${event.fullnames.length - 1} more` : "") + (event.is_fake ? "" : " displaced"), became: event.is_tolerated ? "left alone" : event.is_fake ? "taken away" : "put back" }),
};

const acts = report.processes.flatMap((process) => process.events.filter((event) => event.event in ACTS).map((event) =>
  ({ process: process.name, at_us: process.begin_us + event.at_us, ...ACTS[event.event](event) })));

function showGuard() {
  showTable("acts", "Who took what", [
    words("who", (row) => row.who),
    words("what", (row) => row.what),
    words("what became of it", (row) => row.became),
    figure("at", (row) => row.at_us, seconds),
    words("process", (row) => row.process),
  ], [...acts], "The guard had nothing to do, or was off.");
}

// The import tree

const ROW = 22;

class Icicle {
  constructor() {
    this.place = byId("icicle");
    this.trees = [["all processes", report.tree], ...report.processes.map((each) => [each.name || "this process", each.tree])];
    if (report.processes.length === 1) this.trees.pop();
    this.trees.forEach(([name], number) => byId("process").append(element("option", { value: number, textContent: name })));
    byId("process").addEventListener("change", () => this.use(Number(byId("process").value)));
    byId("figure").addEventListener("change", () => this.use(Number(byId("process").value)));
    byId("search").addEventListener("input", () => this.search());
    byId("search").addEventListener("keydown", (event) => { if (event.key === "Enter") this.goToMatch(event.shiftKey ? -1 : 1); });
    byId("out").addEventListener("click", () => this.zoom(this.nodes[this.root]?.importer ?? -1));
    this.place.addEventListener("keydown", (event) => this.press(event));
    this.place.addEventListener("click", (event) => this.clicked(event));
    this.place.addEventListener("focusin", (event) => this.focused(Number(event.target.dataset.number)));
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !event.target.matches("input, select") && !byId("imports").hidden) {
        byId("search").focus();
        event.preventDefault();
      }
    });
    addEventListener("resize", () => this.show());
    this.use(0);
  }

  use(number) {
    this.nodes = this.trees[number][1];
    this.children = new Map([[-1, []]]);
    this.nodes.forEach((_, each) => this.children.set(each, []));
    this.nodes.forEach((node, each) => this.children.get(node.importer).push(each));
    this.isMemory = byId("figure").value === "rss";
    // What shrank, or has no figure, has no width; and what a module consists of is never wider than itself.
    this.size = this.nodes.map((node) => Math.max(0, (this.isMemory ? node.rss_bytes : node.cumulative_us) ?? 0));
    this.root = this.current = -1;
    this.search();
  }

  layOut() {
    const boxes = [];
    const width = this.place.clientWidth;
    const put = (number, left, room, level) => {
      if (room < 1.5) return;
      if (number >= 0) boxes.push({ number, left, room, level });
      const inner = this.children.get(number);
      const sum = inner.reduce((total, each) => total + this.size[each], 0);
      const whole = number < 0 ? sum : Math.max(this.size[number], sum);
      for (const each of inner) {
        const part = whole ? room * this.size[each] / whole : 0;
        put(each, left, part, level + 1);
        left += part;
      }
    };
    const above = [];
    for (let each = this.root; each >= 0; each = this.nodes[each].importer) above.unshift(each);
    above.slice(0, -1).forEach((number, level) => boxes.push({ number, left: 0, room: width, level }));
    put(this.root, 0, width, above.length - 1);
    return boxes;
  }

  show() {
    const boxes = this.layOut();
    this.shown = new Set(boxes.map((box) => box.number));
    if (!this.shown.has(this.current)) this.current = this.root >= 0 ? this.root : boxes[0]?.number ?? -1;
    const hadFocus = this.place.contains(document.activeElement);
    this.place.style.height = `${ROW * (2 + boxes.reduce((deepest, box) => Math.max(deepest, box.level), 0))}px`;
    this.place.replaceChildren(...boxes.map((box) => this.box(box)));
    if (!boxes.length) this.place.append(element("p", { textContent: "Nothing was measured." }));
    this.place.classList.toggle("searching", !!byId("search").value);
    byId("out").disabled = this.root < 0;
    this.showTrail();
    if (hadFocus) this.focus(this.current);
  }

  box({ number, left, room, level }) {
    const node = this.nodes[number];
    const siblings = this.children.get(node.importer);
    const box = element("div", { className: "box", role: "treeitem", tabIndex: number === this.current ? 0 : -1,
      textContent: room > 30 ? node.fullname : "", title: this.words(number),
      "aria-level": level + 1, "aria-label": this.words(number),
      "aria-posinset": siblings.indexOf(number) + 1, "aria-setsize": siblings.length });
    if (this.children.get(number).length) box.setAttribute("aria-expanded", "true");
    box.dataset.number = number;
    box.classList.toggle("match", this.matches.includes(number));
    box.classList.toggle("failed", !!node.error);
    Object.assign(box.style, { left: `${left}px`, width: `${room}px`, top: `${level * ROW}px` });
    box.style.setProperty("--hue", hue(node.fullname));
    return box;
  }

  words(number) {
    const node = this.nodes[number];
    const loads = node.loads > 1 ? `, in ${node.loads} processes or times` : "";
    const own = node.rss_self_bytes == null ? "" : `, ${memory(node.rss_bytes)}, ${memory(node.rss_self_bytes)} of it its own`;
    return `${node.fullname}: ${seconds(node.cumulative_us)}, ${seconds(node.self_us)} of it its own${own}${loads}` +
      (node.error ? `; failed: ${node.error}` : "");
  }

  showTrail() {
    const trail = [-1];
    for (let each = this.root; each >= 0; each = this.nodes[each].importer) trail.splice(1, 0, each);
    byId("trail").replaceChildren(...trail.map((number) => {
      const button = element("button", { type: "button", textContent: number < 0 ? "everything" : this.nodes[number].fullname });
      button.addEventListener("click", () => this.zoom(number));
      if (number === this.root) button.setAttribute("aria-current", "true");
      return element("li", {}, button);
    }));
  }

  zoom(number) {
    if (number === this.root || number === undefined) return;
    this.root = number;
    if (number >= 0) this.current = number;
    this.show();
  }

  focus(number) {
    const box = this.place.querySelector(`[data-number="${number}"]`);
    box?.focus();
    box?.scrollIntoView({ block: "nearest" });
  }

  focused(number) {
    if (Number.isNaN(number)) return;
    for (const box of this.place.querySelectorAll('[tabindex="0"]')) box.tabIndex = -1;
    this.current = number;
    this.place.querySelector(`[data-number="${number}"]`).tabIndex = 0;
    byId("detail").textContent = this.words(number);
  }

  clicked(event) {
    const box = event.target.closest(".box");
    if (!box) return;
    const number = Number(box.dataset.number);
    this.zoom(number);
    this.focus(number);
  }

  press(event) {
    const node = this.nodes[this.current];
    if (!node) return;
    const visible = (numbers) => numbers.filter((number) => this.shown.has(number));
    const siblings = visible(this.children.get(node.importer));
    const at = siblings.indexOf(this.current);
    const next = {
      ArrowDown: () => visible(this.children.get(this.current))[0],
      ArrowUp: () => node.importer,
      ArrowLeft: () => siblings[at - 1],
      ArrowRight: () => siblings[at + 1],
      Home: () => siblings[0],
      End: () => siblings.at(-1),
    }[event.key];
    if (next) {
      const number = next();
      if (number !== undefined && number >= 0) this.focus(number);
    } else if (event.key === "Enter" || event.key === " ") {
      this.zoom(this.current);
    } else if (event.key === "Escape" || event.key === "Backspace") {
      const from = this.root;
      this.zoom(this.nodes[this.root]?.importer ?? -1);
      if (from >= 0) this.focus(from);
    } else {
      return;
    }
    event.preventDefault();
  }

  search() {
    const wanted = byId("search").value.trim().toLowerCase();
    this.matches = wanted ? [...this.nodes.keys()].filter((each) => this.nodes[each].fullname.toLowerCase().includes(wanted)) : [];
    this.matches.sort((a, b) => this.size[b] - this.size[a]);
    this.match = -1;
    byId("found").textContent = wanted ? `${this.matches.length} of ${this.nodes.length} modules` : "";
    this.show();
  }

  goToMatch(step) {
    if (!this.matches.length) return;
    this.match = (this.match + step + this.matches.length) % this.matches.length;
    const number = this.matches[this.match];
    this.root = this.nodes[number].importer;
    this.current = number;
    this.show();
    if (!this.shown.has(number)) this.zoom(number);
    byId("detail").textContent = this.words(number);
    byId("found").textContent = `${this.match + 1} of ${this.matches.length} matches, the largest first`;
  }
}

function hue(fullname) {
  let sum = 0;
  for (const character of fullname.split(".")[0]) sum = (sum * 31 + character.codePointAt(0)) % 3600;
  return sum / 10;
}

// The timeline

class Timeline {
  constructor() {
    byId("scale").addEventListener("input", () => this.show());
    this.lanes = report.processes.flatMap((process) => this.lanesOf(process));
    this.end_us = Math.max(1, ...report.processes.map((each) => each.begin_us + each.duration_us));
    const moments = this.lanes.flatMap((lane) => lane.spans.map((span) => ({ ...span, lane: lane.name })));
    showTable("moments", "The same in words", [
      figure("at", (row) => row.begin_us, seconds),
      figure("for", (row) => row.end_us - row.begin_us, seconds),
      words("what", (row) => row.text),
      words("where", (row) => row.lane),
    ], moments.sort((a, b) => a.begin_us - b.begin_us), "Nothing happened.");
  }

  lanesOf(process) {
    const name = (what) => `${process.name} ${what}`.trim();
    const span = (kind, begin, end, text) => ({ kind, begin_us: process.begin_us + begin, end_us: process.begin_us + end, text });
    const tests = new Map();
    for (const phase of process.tests) {
      const known = tests.get(phase.nodeid) ?? span("test", phase.begin_us, phase.end_us, phase.nodeid);
      known.end_us = process.begin_us + phase.end_us;
      if (phase.outcome === "failed") known.kind = "failed";
      tests.set(phase.nodeid, known);
    }
    const threads = new Map();
    for (const node of process.tree) {
      if (node.importer >= 0) continue;
      if (!threads.has(node.thread)) threads.set(node.thread, []);
      threads.get(node.thread).push(span("import", node.begin_us, node.end_us, node.fullname));
    }
    const lanes = [{ name: name("tests"), spans: [...tests.values()] }];
    if (process.collection_us) {
      lanes[0].spans.unshift(span("test", process.collection_begin_us, process.collection_begin_us + process.collection_us, "collection"));
    }
    for (const [thread, spans] of threads) lanes.push({ name: name(`imports, ${thread}`), spans });
    const acted = acts.filter((act) => act.process === process.name)
      .map((act) => ({ kind: "acted", begin_us: act.at_us, end_us: act.at_us, text: `${act.who} ${act.what}: ${act.became}` }));
    if (acted.length) lanes.push({ name: name("guard"), spans: acted });
    return lanes;
  }

  show() {
    const place = byId("lanes");
    const width = place.clientWidth * Number(byId("scale").value);
    const pixels = (us) => us / this.end_us * width;
    const axis = element("div", { className: "axis" });
    const step = this.step(width);
    for (let at = 0; at < this.end_us; at += step) {
      axis.append(element("span", { textContent: `${(at / 1e6).toFixed(step < 1e6 ? 2 : 0)} s`, style: `left:${pixels(at)}px` }));
    }
    place.replaceChildren(axis, ...this.lanes.map((lane) => {
      const made = element("div", { className: "lane" }, element("span", { className: "name", textContent: lane.name }));
      let free = -1;
      for (const span of lane.spans) {
        const left = pixels(span.begin_us), room = pixels(span.end_us) - left;
        // Of those that would hide each other one is drawn: a suite may have thousands of short tests.
        if (left + room < free + 1 && span.kind === "test") continue;
        free = left + room;
        made.append(element("div", { className: `span ${span.kind}`, title: `${span.text}: ${seconds(span.end_us - span.begin_us)}`,
          textContent: room > 40 ? span.text : "", style: `left:${left}px;width:${room}px` }));
      }
      return made;
    }));
    for (const lane of [axis, ...place.querySelectorAll(".lane")]) lane.style.width = `${width}px`;
  }

  step(width) {
    const rough = this.end_us * 90 / width;
    const power = 10 ** Math.floor(Math.log10(rough));
    return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
  }
}

showHead();
setUpTheme();
showTables();
showGuard();
const icicle = new Icicle();
const timeline = new Timeline();
setUpTabs();
