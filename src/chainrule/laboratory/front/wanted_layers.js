// The hidden layers as a person wants them: each of several quick changes builds on the one before.

const PATIENCE = 10000; // milliseconds

/**
 * @param {Object} lab
 * @returns {{change: function(function(Array): Array): void}} asks the desk for other layers, made of those
 *     that were asked for last, whether its answer has come or not
 */
export function createWantedLayers(lab) {
  let wanted = [];
  let asked = null;
  /** What the desk says holds, unless the answer to the last change is still to come. */
  function take({ settings }) {
    const text = JSON.stringify(settings.hidden);
    if (asked && asked.text !== text && performance.now() - asked.at < PATIENCE) return;
    [wanted, asked] = [settings.hidden, null];
  }
  lab.on("setup", take);
  lab.on("settings", take);
  lab.on("refused", ({ what }) => {
    if (lab.setup && what === "hidden") [wanted, asked] = [lab.setup.settings.hidden, null];
  });
  return {
    change(act) {
      wanted = act(structuredClone(wanted));
      asked = { text: JSON.stringify(wanted), at: performance.now() };
      lab.set({ hidden: wanted });
    },
  };
}
