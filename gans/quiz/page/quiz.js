"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const words = JSON.parse(document.getElementById("words").textContent);
  const linked = (window.quizDeliver && new URLSearchParams(location.search).get("rater")) || ""; // in a rater's own link
  const place = "gans-quiz-" + data.quiz + (linked && "-" + linked);
  const choices = data.form === "pairs" ? ["left", "right"] : ["real", "synthetic"];
  const pictures = data.main[0].cards[0].picture !== null;
  const main = document.getElementById("main");
  const parts = ["qualification", "main"];
  const items = {};
  for (const part of parts) for (const item of data[part]) items[item.item] = item;
  const WAIT = 250; // milliseconds in which a second press is taken for one of the item before

  let state = load() || fresh();
  let shown = 0; // when the item came up
  let act = null; // what the two keys do now
  let again = null; // draws what is shown, in another language

  function fresh() {
    const browser = "browser-" + Math.random().toString(36).slice(2, 12);
    return { language: data.language, step: "welcome", at: 0, rater: "", orders: {}, answers: [], words: {}, browser };
  }

  function load() {
    try {
      return JSON.parse(localStorage.getItem(place));
    } catch (error) {
      return null;
    }
  }

  function save() {
    try {
      localStorage.setItem(place, JSON.stringify(state));
    } catch (error) {
      // a browser that keeps nothing: the quiz goes on, a reload begins anew
    }
  }

  function say(name, values) {
    let text = words[state.language][name];
    for (const key in values || {}) text = text.replace("{" + key + "}", values[key]);
    return text;
  }

  function form(name) { // the wording for this form and for pictures
    const full = name + (data.form === "pairs" ? "_pairs" : "") + (pictures ? "_picture" : "");
    return say(full in words.en ? full : name);
  }

  function make(tag, text, attributes) {
    const element = document.createElement(tag);
    if (text !== undefined && text !== null) element.textContent = text;
    for (const key in attributes || {}) element.setAttribute(key, attributes[key]);
    return element;
  }

  function put(...elements) {
    main.replaceChildren(...elements);
    act = null;
    window.scrollTo(0, 0);
  }

  function heading(text) {
    return make("h1", text, { tabindex: "-1" });
  }

  function button(text, call, kind) {
    const element = make("button", text, { type: "button", class: kind || "main" });
    element.addEventListener("click", call);
    return element;
  }

  function label(field) {
    return field.replaceAll("_", " ");
  }

  function shuffled(list) {
    const out = list.slice();
    for (let last = out.length - 1; last > 0; last--) {
      const other = Math.floor(Math.random() * (last + 1));
      [out[last], out[other]] = [out[other], out[last]];
    }
    return out;
  }

  function go(step) {
    state.step = step;
    state.at = 0;
    save();
    draw();
  }

  // What the server knows of a rater before a card is shown: {answered, elsewhere}; nothing where it cannot be asked.

  async function announced(rater, here) {
    if (!window.quizBegin) return {};
    try {
      return await window.quizBegin(rater, state.browser, here);
    } catch (error) {
      return {}; // the quiz goes on, and its answers are refused at the end or come as a file
    }
  }

  async function begin() {
    const rater = state.rater || linked;
    state.browser = state.browser || fresh().browser;
    save();
    const known = rater && state.step !== "end" ? await announced(rater) : {};
    if (known.answered) return closed("answered", rater);
    if (known.elsewhere) return closed("elsewhere", rater);
    draw();
  }

  // A link that is opened again: it has been answered, or is being answered in another browser.

  function closed(why, rater) {
    again = () => closed(why, rater);
    frame(rater);
    const here = button(say("go_on_here"), async () => {
      await announced(rater, true);
      draw();
    });
    put(heading(say(why, { rater })), make("p", say(why + "_text")), ...(why === "elsewhere" ? [here] : []),
        ...(linked ? [] : [another(rater)]));
  }

  // one screen of the quiz

  function frame(rater) {
    document.documentElement.lang = state.language;
    document.title = say("title");
    document.getElementById("name").textContent = rater;
    drawLanguages();
  }

  function draw() {
    again = draw;
    frame(state.rater);
    drawProgress();
    ({ welcome, tutorial, qualification: part, main: part, words: wordsScreen, end,
       "before-qualification": () => between("qualification"), "before-main": () => between("main") })[state.step]();
  }

  function drawLanguages() {
    document.getElementById("languages").replaceChildren(...Object.keys(words).map((name) => {
      const element = make("button", words[name].language, {
        type: "button", lang: name, "aria-pressed": String(name === state.language),
      });
      element.addEventListener("click", () => {
        keepWords();
        state.language = name;
        save();
        again();
      });
      return element;
    }));
  }

  function drawProgress() {
    const bar = document.getElementById("progress");
    const every = parts.reduce((sum, name) => sum + data[name].length, 0);
    bar.hidden = state.step === "welcome" || state.step === "end";
    bar.setAttribute("aria-valuemax", every);
    bar.setAttribute("aria-valuenow", state.answers.length);
    bar.setAttribute("aria-label", say("at", { at: state.answers.length, of: every }));
    bar.firstElementChild.style.width = (100 * state.answers.length) / every + "%";
  }

  function welcome() {
    const counts = { tutorial: data.tutorial.length, qualification: data.qualification.length, main: data.main.length };
    const input = make("input", null, { id: "rater", maxlength: "40", autocomplete: "off", spellcheck: "false" });
    const wrong = make("p", "", { class: "wrong", role: "alert" });
    input.value = state.rater || linked || "rater-" + Math.random().toString(36).slice(2, 7);
    async function start() {
      const name = input.value.trim();
      const fits = /^[\p{L}\p{N}_-]{1,40}$/u.test(name);
      const known = fits && window.quizBegin && name !== linked ? await announced(name) : {};
      if (state.step !== "welcome") return; // pressed twice
      if (!fits || known.answered || known.elsewhere) {
        wrong.textContent = say(fits ? "pseudonym_taken" : "pseudonym_wrong");
        input.focus();
        return;
      }
      state.rater = name;
      for (const name of parts) state.orders[name] = shuffled(data[name].map((item) => item.item));
      go("tutorial");
    }
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // else the button that comes next takes it for a press
      start();
    });
    const facts = make("ul");
    facts.append(make("li", say("plan", counts)));
    if (data.form !== "pairs") facts.append(make("li", say("half", counts)));
    facts.append(make("li", say("kept")));
    if (!pictures) facts.append(make("li", say("private")));
    put(heading(say("title")), make("p", form("welcome")), facts,
        make("label", say("pseudonym"), { for: "rater" }), input,
        make("p", say("pseudonym_hint"), { class: "faint" }), wrong, button(say("start"), start));
  }

  function tutorial() {
    const item = data.tutorial[state.at];
    const next = button(say("next"), () => {
      if (state.at + 1 === data.tutorial.length) return go("before-qualification");
      state.at += 1;
      save();
      draw();
    });
    put(make("h2", say("tutorial", { at: state.at + 1, of: data.tutorial.length })), card(item),
        make("p", say("tutorial_" + item.right), { class: "answer " + item.right, role: "status" }), next);
    next.focus();
  }

  function between(name) {
    const key = "before_" + name;
    const text = pictures && key + "_picture" in words.en ? key + "_picture" : key + "_text";
    const next = button(say("next"), () => go(name));
    put(heading(say(key)), make("p", say(text, { of: data[name].length })),
        make("p", say("keys", { first: "←", second: "→" }), { class: "faint" }), next);
    next.focus();
  }

  function part() {
    const order = state.orders[state.step];
    const item = items[order[state.at]];
    const answer = (choice) => {
      const seconds = (performance.now() - shown) / 1000;
      if (seconds * 1000 < WAIT) return;
      state.answers.push({ item: item.item, answer: choices[choice], seconds: Math.round(seconds * 100) / 100 });
      if (state.at + 1 === order.length) return go(state.step === "main" ? "words" : "before-main");
      state.at += 1;
      save();
      draw();
    };
    const two = make("div", null, { class: "choices" });
    choices.forEach((name, number) => {
      const element = button("", () => answer(number), "choice");
      const hint = make("kbd", number ? "→" : "←", { "aria-hidden": "true" });
      element.append(...(number ? [say(name), hint] : [hint, say(name)]));
      two.append(element);
    });
    const question = heading(form("question"));
    put(make("div", say("at", { at: state.at + 1, of: order.length }), { class: "faint" }), question, card(item), two);
    question.focus({ preventScroll: true });
    act = answer;
    shown = performance.now();
  }

  function card(item) {
    const two = item.cards.length > 1;
    const outer = make("div", null, { class: two ? "card two" : "card" });
    if (pictures) {
      const frame = make("div", null, { class: "pictures" });
      item.cards.forEach((one, side) => {
        const figure = make("figure");
        figure.append(make("img", null, { src: one.picture, alt: two ? say(choices[side]) : "" }));
        if (two) figure.append(make("figcaption", say(choices[side])));
        frame.append(figure);
      });
      outer.append(frame);
    }
    if (!data.fields.length) return outer;
    const table = make("table");
    if (two && !pictures) { // the sides of pictures are named below them
      const row = table.createTHead().insertRow();
      row.append(make("th", "", {}), ...choices.map((name) => make("th", say(name), { scope: "col" })));
    }
    const body = table.createTBody();
    data.fields.forEach((field, number) => {
      const row = body.insertRow();
      row.append(make("th", label(field), { scope: "row" }));
      for (const one of item.cards) {
        const value = one.values[number];
        row.append(value === null ? make("td", say("missing"), { class: "missing" }) : make("td", value));
      }
    });
    outer.append(table);
    return outer;
  }

  function keepWords() {
    for (const element of main.querySelectorAll("textarea")) state.words[element.dataset.field] = element.value;
  }

  function wordsScreen() {
    const fields = [...(pictures ? [["(picture)", say("words_picture")]] : []),
                    ...data.fields.map((field) => [field, label(field)]), ["", say("words_any")]];
    const elements = [heading(say("words")), make("p", say("words_text"))];
    fields.forEach(([field, text], number) => {
      const box = make("textarea", null, { id: "words-" + number, rows: "1", maxlength: "1000", "data-field": field });
      box.value = state.words[field] || "";
      box.addEventListener("input", () => { keepWords(); save(); });
      elements.push(make("label", text, { for: "words-" + number }), box);
    });
    put(...elements, make("p"), button(say("finish"), () => { keepWords(); go("end"); }));
    elements[0].focus();
  }

  // the end

  function answers() {
    const said = Object.entries(state.words).map(([field, text]) => ({ field, words: text.trim() }));
    return { format: "gans.quiz answers 1", quiz: data.quiz, rater: state.rater, language: state.language,
             answers: state.answers, words: said.filter((one) => one.words) };
  }

  function fileName() {
    return "answers-" + state.rater + "-" + new Date().toISOString().slice(0, 10) + ".json";
  }

  function download(content) {
    const link = make("a", null, { download: fileName() });
    link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 1)], { type: "application/json" }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    return null;
  }

  // Where the page is served, window.quizDeliver(answers) is a promise of the rater's own result: {all, real, synthetic},
  // [wrong, judged] each, the last two of cards only.

  function result(own) {
    const share = (name) => ({ wrong: own[name][0], of: own[name][1], percent: Math.round(100 * own[name][0] / own[name][1]) });
    const lines = [say("end_sent"), say("result", share("all"))];
    if (own.real) lines.push(say("result_real", share("real")), say("result_synthetic", share("synthetic")));
    return [...lines, say("result_chance")].map((line) => make("p", line));
  }

  function another(rater) {
    return button(say("another"), () => {
      if (state.answers.length && !confirm(say("another_sure", { rater }))) return;
      const language = state.language;
      state = fresh();
      state.language = language;
      save();
      draw();
    }, "plain");
  }

  async function end() {
    const status = make("div", "", { role: "status" });
    const tell = (text) => status.replaceChildren(make("p", text));
    const file = button(say("save"), () => download(answers()));
    const send = button(say("send"), end);
    send.hidden = true;
    put(heading(say("end", { rater: state.rater })), status, send, make("p"), file, make("p"),
        ...(linked ? [] : [another(state.rater)])); // a link is for one rater
    if (!window.quizDeliver) {
      tell(say("end_file", { file: fileName() }));
      if (!state.delivered) download(answers());
      state.delivered = true;
      return save();
    }
    try {
      if (!state.delivered) tell(say("sending"));
      state.delivered = state.delivered || await window.quizDeliver(answers());
      save();
      status.replaceChildren(...result(state.delivered));
    } catch (error) {
      tell(say("end_failed", { reason: say("refused_" + error.key, error.values) }));
      send.hidden = false;
    }
  }

  document.addEventListener("keydown", (event) => {
    if (!act || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    const keys = { ArrowLeft: 0, f: 0, F: 0, ArrowRight: 1, j: 1, J: 1 };
    if (!(event.key in keys)) return;
    event.preventDefault();
    act(keys[event.key]);
  });

  begin();
})();
