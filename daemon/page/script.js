"use strict";
// Asks for the page again and takes over the parts that changed. Scripts of the answer do not run.
const every = 5000;
const shown = new Map();
let lost = false;

for (const part of document.querySelectorAll("[data-part]")) shown.set(part.id, part.outerHTML);

function in_use(part) {
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed && selection.containsNode(part, true);
}

function take(fresh) {
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const old = document.getElementById(part.id);
    if (old === null || shown.get(part.id) === part.outerHTML) continue;
    if (in_use(old)) continue;  // somebody is about to copy something
    shown.set(part.id, part.outerHTML);
    old.className = part.className;
    old.replaceChildren(...Array.from(part.childNodes, (node) => document.importNode(node, true)));
  }
  document.title = fresh.title;
  lost = false;
}

function fail() {
  if (lost) return;
  lost = true;
  shown.delete("verdict");
  const verdict = document.getElementById("verdict");
  verdict.className = "bad";
  const words = document.createElement("strong");
  words.textContent = "The daemon does not answer.";
  verdict.replaceChildren("! ", words, " What is shown below was true at the time at the bottom of this page; see whether the process runs, and its log.");
  document.title = "No answer \u2013 auditferry";
}

function renew() {
  const request = new XMLHttpRequest();
  const again = () => setTimeout(renew, every);
  request.open("GET", location.pathname);
  request.responseType = "document";
  request.timeout = 20000;
  request.onload = () => {
    const fresh = request.status === 200 ? request.responseXML : null;
    if (fresh !== null && fresh.getElementById("verdict") !== null) take(fresh); else fail();
    again();
  };
  request.onerror = () => { fail(); again(); };
  request.ontimeout = request.onerror;
  request.send();
}
setTimeout(renew, every);
