// What cannot be, said above the page in its language.

import { whenTranslated, word } from "./words.js";

let said = null; // a key of the words and values

export function refuse(key, values = {}) {
  said = key ? [key, values] : null;
  const box = document.getElementById("refused");
  box.textContent = said ? word(...said) : "";
  box.hidden = !said;
}

whenTranslated(() => said && refuse(...said));
