// Parts of a page, each drawn when it can be seen and what it shows has changed.

const AROUND = "200px"; // of what can be seen

export class Parts {
  constructor() {
    this.parts = new Map();
    this.due = false;
    this.observer = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const part = this.parts.get(target);
        if (part) part.seen = isIntersecting;
      }
      this.#ask();
    }, { rootMargin: AROUND });
  }

  // An element, and what gives its inner HTML.
  add(element, html) {
    this.parts.set(element, { html, seen: false, old: true, text: null });
    this.observer.observe(element);
  }

  clear() {
    this.observer.disconnect();
    this.parts.clear();
  }

  seen(element) {
    return this.parts.get(element)?.seen ?? false;
  }

  // What all of them show, or some elements, may have changed.
  changed(elements = this.parts.keys()) {
    for (const element of elements) this.parts.get(element).old = true;
    this.#ask();
  }

  #ask() {
    if (this.due) return;
    this.due = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.due = false;
    for (const [element, part] of this.parts) {
      if (!part.seen || !part.old) continue;
      part.old = false;
      const text = part.html();
      if (text !== part.text) element.innerHTML = part.text = text;
    }
  }
}
