// The lesson mode: a strip with a step's words; its settings and acts are sent, and where to look is outlined.

import { createMenu } from "./menus.js";
import { make, setText } from "./parts.js";

/**
 * @param {HTMLElement} root  the strip
 * @param {HTMLElement} bar  where the menu of lessons goes
 * @param {Object} lab
 * @param {HTMLElement} regions  has the elements with `data-region`
 */
export function createLesson(root, bar, lab, regions) {
  let lesson = null;
  let step = 0;
  let resuming = null;

  const title = make("h2", { tabindex: -1 });
  const place = make("p", { class: "lab-faint" });
  const text = make("div", { class: "lab-lesson-text" });
  const back = make("button", { type: "button", onclick: () => go(step - 1) }, "Back");
  const next = make("button", { type: "button", class: "lab-strong", onclick: () => step + 1 < lesson.steps.length ? go(step + 1) : leave() });
  const close = make("button", { type: "button", class: "lab-quiet", onclick: leave }, "Leave the lesson");
  root.append(make("div", { class: "lab-lesson-head" }, place, title), text, make("p", { class: "lab-actions" }, back, next, close));
  root.hidden = true;

  bar.append(createMenu("Lessons", (done) => (lab.setup?.lessons ?? []).map(({ name, title: words }) =>
    make("button", { type: "button", onclick: () => {
      done();
      lab.send({ do: "lesson", name });
    } }, words))));

  lab.on("lesson", (message) => {
    lesson = message;
    const again = resuming?.name === message.name ? resuming.step : null;
    resuming = null;
    root.hidden = false;
    // A lesson that is come back to finds its experiment as it was left.
    if (again === null) go(0);
    else show(Math.min(again, lesson.steps.length - 1));
  });
  lab.on("setup", resume);
  lab.on("view", resume);

  /** What the address says: a lesson that is gone on with, or left. */
  function resume() {
    const { v_lesson: name, v_step: number } = lab.view;
    if (!lab.setup) return;
    if (!name) {
      if (lesson && isShipped(lesson.name)) leave();
      return;
    }
    if (lesson?.name === name) {
      if (lesson.steps[number - 1] && number - 1 !== step) show(number - 1);
    } else if (isShipped(name) && resuming?.name !== name) {
      resuming = { name, step: Math.max(0, (number || 1) - 1) };
      lab.send({ do: "lesson", name });
    }
  }
  function isShipped(name) {
    return (lab.setup?.lessons ?? []).some((other) => other.name === name);
  }
  function go(number) {
    show(number);
    const { settings, do: acts } = lesson.steps[number];
    if (settings) lab.set(settings);
    // What is explained is selected, so that it is marked on the diagram too.
    for (const { do: act, ...what } of acts ?? []) act === "explain" ? lab.select(what) : lab.send({ do: act, ...what });
    title.focus({ preventScroll: true });
    root.scrollIntoView({ block: "nearest", behavior: lab.reducedMotion ? "auto" : "smooth" });
  }
  function show(number) {
    step = number;
    const { title: words, text: body, look } = lesson.steps[number];
    setText(title, words);
    setText(place, `${lesson.title}: step ${number + 1} of ${lesson.steps.length}`);
    text.replaceChildren(...body.split(/\n{2,}/).map((paragraph) => make("p", {}, paragraph)));
    back.disabled = number === 0;
    setText(next, number + 1 < lesson.steps.length ? "Next" : "Finish");
    outline(look ?? []);
    if (isShipped(lesson.name)) lab.setView({ v_lesson: lesson.name, v_step: number + 1 });
  }
  function leave() {
    lesson = null;
    root.hidden = true;
    outline([]);
    lab.setView({ v_lesson: null, v_step: null });
  }
  function outline(names) {
    for (const region of regions.querySelectorAll("[data-region]")) {
      const looked = names.includes(region.dataset.region);
      region.classList.toggle("lab-look", looked);
      region.querySelector(":scope > .lab-look-here")?.remove();
      if (looked) region.prepend(make("span", { class: "lab-look-here" }, "Look here"));
    }
  }
}
