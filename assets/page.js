// Pages work without this: it presses the one button of a form that is only passed on, adds copy buttons, lets a file fill a
// field, says what takes a while, shows where on a long page one is, and keeps a log up to date.
document.getElementById("post-to-idp")?.submit();

for (const value of document.querySelectorAll("[data-copy], [data-copy-rich]")) {
  const { copy, copyRich } = value.dataset;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${copy ?? copyRich}`);
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  status.className = "visually-hidden";
  button.addEventListener("click", async () => {
    try {
      if (copy === undefined) await copyFormatted(value);
      else await navigator.clipboard.writeText(value.textContent);
      button.textContent = status.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 2_000);
    } catch {
      getSelection().selectAllChildren(value);
      status.textContent = "Press Ctrl and C to copy";
    }
  });
  value.after(button, status);
}

/** As a mail program takes it: formatted, and as plain text beside. */
function copyFormatted(value) {
  const part = (type, text) => new Blob([text], { type });
  const parts = { "text/html": part("text/html", value.innerHTML), "text/plain": part("text/plain", value.innerText) };
  return navigator.clipboard.write([new ClipboardItem(parts)]);
}

for (const area of document.querySelectorAll("textarea[data-file]")) {
  const label = document.createElement("label");
  label.className = "file";
  label.textContent = "Or take it from a file: ";
  const input = document.createElement("input");
  input.type = "file";
  input.accept = area.dataset.file;
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (file) area.value = await readText(file);
  });
  label.append(input);
  area.after(label);
}

/** A file's text; octets that are none (a certificate in DER) as base64. */
async function readText(file) {
  const octets = new Uint8Array(await file.arrayBuffer());
  const encoding = octets[0] === 0xff && octets[1] === 0xfe ? "utf-16le" : octets[0] === 0xfe && octets[1] === 0xff ? "utf-16be" : "utf-8";
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(octets);
  } catch {
    return btoa(Array.from(octets, (octet) => String.fromCharCode(octet)).join(""));
  }
}

// What takes a while says so, and is begun once.
for (const button of document.querySelectorAll("button[data-busy]")) {
  const words = button.textContent;
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  status.className = "visually-hidden";
  button.after(status);
  const set = (busy) => {
    button.disabled = busy;
    button.textContent = busy ? button.dataset.busy : words;
    status.textContent = busy ? button.dataset.busy : "";
    button.form.setAttribute("aria-busy", busy);
  };
  button.form.addEventListener("submit", () => {
    // After the form is on its way; it can be sent again if it was stopped there.
    setTimeout(() => set(true));
    setTimeout(() => set(false), 20_000);
  });
  // The browser shows a page again as it was left.
  addEventListener("pageshow", ({ persisted }) => persisted && set(false));
}

const links = new Map([...document.querySelectorAll(".sections a")].map((link) => [link.hash.slice(1), link]));
if (links.size > 0) {
  const seen = new Set();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) seen[isIntersecting ? "add" : "delete"](target.id);
    const first = [...links.keys()].find((id) => seen.has(id));
    for (const [id, link] of links) link.classList.toggle("here", id === first);
  }, { rootMargin: "-80px 0px -50% 0px" });
  for (const id of links.keys()) observer.observe(document.getElementById(id));
}

// What waits for something looks again by itself.
if (document.querySelector("[data-reload]")) setTimeout(() => location.reload(), 4_000);

// What is done in another tab, such as a test, is seen when one comes back, unless something is being typed here. A page that
// answers a form cannot be had again by its address, and stays.
const watched = [...document.querySelectorAll("[data-watched]")];
if (watched.length > 0) {
  document.addEventListener("visibilitychange", async () => {
    if (document.visibilityState !== "visible" || isDirty()) return;
    const now = await pageAsItIsNow();
    const differs = (part) => now.getElementById(part.id)?.textContent !== part.textContent;
    if (now && watched.some(differs) && !isDirty()) location.reload();
  });
}

function isDirty() {
  const isChanged = (field) =>
    field.options
      ? field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected))
      : field.value !== field.defaultValue || field.checked !== field.defaultChecked;
  return [...document.querySelectorAll("input, textarea, select")].some(isChanged);
}

/** Nothing where it cannot be had. */
async function pageAsItIsNow() {
  try {
    const answer = await fetch(location.href);
    if (!answer.ok || answer.redirected) return undefined;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return undefined;
  }
}

// What is live shows by itself what is new, until one says stop, or an hour is over.
const live = [...document.querySelectorAll("[data-live]")];
if (live.length > 0) {
  const LOOKS = 360;
  let looks = 0;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet live";
  const set = (on) => {
    button.setAttribute("aria-pressed", on);
    button.textContent = on ? "Live: shows by itself what is new" : "Stopped: show what is new";
    looks = 0;
  };
  set(true);
  button.addEventListener("click", () => {
    set(button.getAttribute("aria-pressed") !== "true");
    look();
  });
  live[0].before(button);
  const look = async () => {
    const inUse = live.some((part) => part.contains(document.activeElement));
    if (button.getAttribute("aria-pressed") !== "true" || document.visibilityState !== "visible" || inUse) return;
    if ((looks += 1) > LOOKS) return set(false);
    try {
      const answer = await fetch(location.href);
      if (!answer.ok || answer.redirected) return set(false);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelectorAll("[data-live]");
      if (fresh.length === live.length) live.forEach((part, index) => part.replaceChildren(...fresh[index].childNodes));
    } catch {
      // Without a network there is nothing new.
    }
  };
  setInterval(look, 10_000);
}
