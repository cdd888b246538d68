// Pages work without this: it presses the one button of a form that is only passed on, and adds copy buttons.
document.getElementById("post-to-idp")?.submit();

for (const value of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${value.dataset.copy}`);
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  status.className = "visually-hidden";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(value.textContent);
      button.textContent = status.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(value);
      status.textContent = "Press Ctrl and C to copy";
    }
  });
  value.after(button, status);
}
