// Shows one pair at a time, takes a verdict on each, keeps them in the browser, and saves them as the CSV that audit --verdicts reads.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const pairs = [...document.querySelectorAll("article.pair")];
  const place = "crm-backfill-audit-" + byId("pairs").dataset.sample;
  const needed = Number(byId("pairs").dataset.needed);
  const words = { same: "same person", different: "different people", unsure: "unsure" };
  // For each pair its verdict and remark, for each verdict in turn what it replaced, and whether results are shown before a verdict.
  let kept = { verdicts: {}, remarks: {}, history: [], sighted: false };
  let current = 0;
  // Pairs whose result was asked for.
  const revealed = new Set();

  function trouble(text) {
    byId("trouble").textContent = text;
    byId("trouble").hidden = false;
  }

  function load() {
    try {
      const found = JSON.parse(localStorage.getItem(place));
      if (found && found.verdicts && found.remarks && Array.isArray(found.history)) kept = found;
    } catch {
      trouble("This browser keeps nothing for local files: save the verdicts before you close the page.");
    }
  }

  function keep() {
    try {
      localStorage.setItem(place, JSON.stringify(kept));
    } catch {
      trouble("This browser could not keep the last verdict: save the verdicts before you close the page.");
    }
  }

  const isLeft = (index) => !kept.verdicts[index];
  const state = (index) => (pairs[index].dataset.linked === "yes" ? "linked" : "not linked");
  const isOfKind = (index) => ["", state(index), pairs[index].dataset.stratum].includes(byId("kind").value);
  const isShown = (index) => isOfKind(index) && (!byId("filter").checked || isLeft(index));

  // The nearest pair in a direction that the filter shows; -1 if there is none.
  function find(from, step) {
    for (let index = from + step; index >= 0 && index < pairs.length; index += step) if (isShown(index)) return index;
    return -1;
  }

  function show(index, focus) {
    current = index;
    pairs.forEach((pair, at) => (pair.hidden = at !== index || !isOfKind(at)));
    if (focus && pairs[index]) {
      pairs[index].querySelector("h2").focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    refresh();
  }

  function refresh() {
    const verdict = kept.verdicts[current];
    const judged = Object.keys(kept.verdicts).length;
    const onLinks = pairs.filter((pair, at) => pair.dataset.linked === "yes" && kept.verdicts[at] && kept.verdicts[at] !== "unsure").length;
    const unsure = Object.values(kept.verdicts).filter((given) => given === "unsure").length;
    byId("left").textContent =
      `${judged} of ${pairs.length} judged, ${pairs.length - judged} left. Verdicts on links: ${onLinks}; the checklist needs ${needed}. ` +
      `Unsure: ${unsure}; they do not count.`;
    pairs.forEach((pair, at) => pair.classList.toggle("blind", !kept.sighted && isLeft(at) && !revealed.has(at)));
    byId("blind").checked = !kept.sighted;
    byId("none").hidden = pairs.length === 0 || pairs.some((pair) => !pair.hidden);
    byId("progress").value = judged;
    byId("done").hidden = judged < pairs.length || pairs.length === 0;
    byId("remark").value = kept.remarks[current] || "";
    byId("remark").disabled = pairs.length === 0;
    byId("undo").disabled = kept.history.length === 0;
    byId("previous").disabled = find(current, -1) < 0;
    byId("next").disabled = find(current, 1) < 0;
    document.querySelectorAll("[data-verdict]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.verdict === verdict));
      button.disabled = pairs.length === 0;
    });
  }

  function say(text) {
    byId("said").textContent = text;
  }

  function judge(verdict) {
    if (!pairs.length || pairs[current].hidden) return;
    const at = current;
    kept.history.push([at, kept.verdicts[at] || ""]);
    kept.verdicts[at] = verdict;
    keep();
    say(`Pair ${at + 1}: ${words[verdict]}. It is ${state(at)}: ${pairs[at].dataset.stratum}.`);
    const isNext = (index) => isLeft(index) && isOfKind(index);
    const after = pairs.findIndex((_, index) => index > at && isNext(index));
    const next = after >= 0 ? after : pairs.findIndex((_, index) => isNext(index));
    show(next >= 0 ? next : at, next >= 0);
  }

  function undo() {
    const last = kept.history.pop();
    if (!last) return;
    const [at, before] = last;
    if (before) kept.verdicts[at] = before;
    else delete kept.verdicts[at];
    keep();
    say(`Pair ${at + 1}: ${before ? words[before] : "no verdict"} again.`);
    show(at, true);
  }

  function go(step) {
    const index = find(current, step);
    if (index < 0) return;
    show(index, true);
    const verdict = kept.verdicts[index];
    say(verdict ? `Pair ${index + 1}: ${words[verdict]}.` : "No verdict yet.");
  }

  function filter() {
    const index = isShown(current) ? current : Math.max(find(current, 1), find(current, -1));
    show(index < 0 ? current : index, false);
  }

  function reveal() {
    revealed.add(current);
    refresh();
  }

  function blind() {
    kept.sighted = !kept.sighted;
    keep();
    refresh();
  }

  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

  function csv() {
    const columns = ["a", "b", "linked", "stratum", "bits", "evidence"];
    const lines = pairs.map((pair, at) =>
      [...columns.map((column) => pair.dataset[column]), kept.verdicts[at] || "", kept.remarks[at] || ""].map(quoted).join(","));
    return [[...columns, "verdict", "remark"].join(","), ...lines, ""].join("\n");
  }

  function save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
    link.download = "verdicts.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    say("Saved as verdicts.csv in the folder of downloads.");
  }

  const keys = {
    s: () => judge("same"), d: () => judge("different"), u: () => judge("unsure"), z: undo, v: save,
    ArrowLeft: () => go(-1), ArrowRight: () => go(1),
    r: reveal, b: blind,
    f: () => { byId("filter").checked = !byId("filter").checked; filter(); },
  };

  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.matches("input[type=text], select");
    if (isTyping && event.key === "Escape") event.target.blur();
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || event.repeat || !byId("shortcuts").checked) return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  document.querySelectorAll("[data-verdict]").forEach((button) => button.addEventListener("click", () => judge(button.dataset.verdict)));
  byId("undo").addEventListener("click", undo);
  byId("save").addEventListener("click", save);
  byId("previous").addEventListener("click", () => go(-1));
  byId("next").addEventListener("click", () => go(1));
  byId("filter").addEventListener("change", filter);
  byId("kind").addEventListener("change", filter);
  byId("blind").addEventListener("change", blind);
  document.querySelectorAll(".reveal").forEach((button) => button.addEventListener("click", reveal));
  byId("remark").addEventListener("input", (event) => {
    kept.remarks[current] = event.target.value;
    keep();
  });

  load();
  const first = pairs.findIndex((_, index) => isLeft(index));
  show(Math.max(first, 0), false);
})();
