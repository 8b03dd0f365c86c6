// The words of the page in its language: English or Chinese, a file each.

let words = {};
const listeners = [];

export const language = () => document.documentElement.lang.slice(0, 2);

export function word(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (gap, name) => values[name] ?? gap);
}

// Put the words where elements ask for them: data-word as text, data-title as a title, data-label as a label.
export function translate(root = document) {
  for (const node of root.querySelectorAll("[data-word]")) node.textContent = word(node.dataset.word);
  for (const node of root.querySelectorAll("[data-title]")) node.title = word(node.dataset.title);
  for (const node of root.querySelectorAll("[data-label]")) node.setAttribute("aria-label", word(node.dataset.label));
}

export function whenTranslated(call) {
  listeners.push(call);
}

export async function speak(chosen) {
  words = await (await fetch(`words.${chosen}.json`)).json();
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  localStorage.setItem("language", chosen);
  document.title = word("title");
  translate();
  listeners.forEach((call) => call());
}

export function firstLanguage() {
  const asked = new URLSearchParams(location.search).get("language");
  const usual = navigator.language.startsWith("zh") ? "zh" : "en";
  return [asked, localStorage.getItem("language"), usual].find((one) => one === "en" || one === "zh");
}
