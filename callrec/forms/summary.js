"use strict";
(() => {
  const { keys, words } = JSON.parse(document.getElementById("data").textContent);
  const say = (key, values = {}) => words[key].replace(/[{](\w+)[}]/g, (_, name) => values[name]);

  // --- hearing it

  for (const player of document.querySelectorAll(".player")) {
    const audio = player.querySelector("audio"), wave = player.querySelector(".wave");
    const cursor = player.querySelector(".cursor"), seconds = Number(player.dataset.seconds);
    const seek = (to) => { audio.currentTime = Math.min(Math.max(0, to), seconds); };
    const show = () => {
      cursor.style.left = `${100 * Math.min(1, audio.currentTime / seconds)}%`;
      wave.setAttribute("aria-valuenow", audio.currentTime.toFixed(1));
    };
    audio.addEventListener("timeupdate", show);
    audio.addEventListener("seeking", show);
    audio.addEventListener("error", () => { player.querySelector(".unplayable").hidden = false; });
    wave.addEventListener("click", (event) => {
      const box = wave.getBoundingClientRect();
      seek((event.clientX - box.left) / box.width * seconds);
    });
    wave.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -5, ArrowRight: 5, ArrowDown: -5, ArrowUp: 5 };
      if (event.key in steps) seek(audio.currentTime + steps[event.key]);
      else if (event.key === "Home") seek(0);
      else if (event.key === "End") seek(seconds);
      else if (event.key === " " || event.key === "Enter") audio.paused ? audio.play() : audio.pause();
      else return;
      event.preventDefault();
    });
    for (const button of player.querySelectorAll("[data-seek]")) {
      button.addEventListener("click", () => { seek(Number(button.dataset.seek)); audio.play(); });
    }
  }

  // --- checking it

  const hex = (bytes) => Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
  const unhex = (text) => Uint8Array.from(text.match(/../g) || [], (each) => parseInt(each, 16));
  const unbase64 = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  const sha256 = async (bytes) => hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  const joined = (...parts) => Uint8Array.from(parts.flatMap((each) => Array.from(each)));
  // Each byte as a sign of its own: what is cut out and what is left are the bytes of the file.
  const signs = (bytes) => Array.from(bytes, (each) => String.fromCharCode(each)).join("");
  const bytesOf = (text) => Uint8Array.from(text, (each) => each.charCodeAt(0));
  const json = (bytes) => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));

  // The files that were dropped: by their paths below the folder, or by their names where those are all there is.
  class Folder {
    constructor(found) {
      const end = (path) => path === "package.json" || path.endsWith("/package.json");
      const document = found.map(([path]) => path).filter(end).sort((a, b) => a.length - b.length)[0] || "";
      const base = document.slice(0, document.length - "package.json".length);
      this.flat = found.every(([path]) => !path.includes("/"));
      this.files = new Map(found.map(([path, file]) => [path.startsWith(base) ? path.slice(base.length) : path, file]));
    }
    key(name) { return this.flat ? name.split("/").pop() : name; }
    get(name) { return this.files.get(this.key(name)); }
    others(names) {
      const known = new Set(names.map((name) => this.key(name)));
      return [...this.files.keys()].filter((name) => !known.has(name));
    }
  }

  class Wrong extends Error {}
  class Unknown extends Error {}

  async function checkSignature(bytes) {
    const found = [...signs(bytes).matchAll(/,"signature":"([A-Za-z0-9+\/]{86}==)"/g)];
    if (found.length !== 1) throw new Wrong(say("unsigned"));
    const [member, signature] = found[0], id = json(bytes).key_id;
    if (!Object.hasOwn(keys, id)) throw new Wrong(say("strange_key", { key: id }));
    const der = unbase64(keys[id].replace(/-----[^-]+-----|\s/g, ""));
    let key;
    try {
      key = await crypto.subtle.importKey("spki", der, { name: "Ed25519" }, false, ["verify"]);
    } catch { throw new Unknown(say("no_ed25519")); }
    const content = bytesOf(signs(bytes).replace(member, ""));
    if (!await crypto.subtle.verify({ name: "Ed25519" }, key, unbase64(signature), content)) {
      throw new Wrong(say("signature"));
    }
    return id;
  }

  async function checkManifest(bytes) {
    if (/^callrec-manifest\/[12]$/.test(json(bytes).schema)) return say("old_manifest");
    await checkSignature(bytes);
  }

  async function checkSound(recording, bytes, folder) {
    if (recording.clip) return;
    const manifest = json(await read(folder, `recordings/${recording.id}.manifest.json`));
    const right = recording.format === "flac"
      ? await sha256(bytes) === manifest.audio.sha256
      : await sha256(bytes.subarray(44)) === manifest.audio.pcm_sha256;  // a WAV's header has 44 bytes
    if (!right) throw new Wrong(say("sound"));
  }

  async function checkPath(bytes, folder) {
    const path = json(bytes);
    const manifest = await read(folder, `recordings/${path.recording_id}.manifest.json`);
    let node = await sha256(joined([0], unhex(await sha256(manifest))));
    for (const [side, sibling] of path.steps) {
      const pair = side === "left" ? [sibling, node] : [node, sibling];
      node = await sha256(joined([1], ...pair.map(unhex)));
    }
    const anchor = json(await read(folder, path.anchor));
    if (node !== anchor.merkle_root) throw new Wrong(say("path"));
  }

  async function checkCustody(bytes) {
    for (const line of signs(bytes).replace(/\n$/, "").split("\n")) {
      if (line && await sha256(bytesOf(line.slice(65))) !== line.slice(0, 64)) throw new Wrong(say("custody_row"));
    }
  }

  async function read(folder, name) {
    const file = folder.get(name);
    if (!file) throw new Wrong(`${name}: ${say("missing")}`);
    try {
      return new Uint8Array(await file.arrayBuffer());
    } catch { throw new Unknown(`${name}: ${say("unreadable")}`); }
  }

  async function checkFile(name, listed, document, folder) {
    const bytes = await read(folder, name);
    if (await sha256(bytes) !== listed.sha256) throw new Wrong(say("sha256"));
    const recording = document.recordings.find((each) => each.sound === name);
    if (recording) return checkSound(recording, bytes, folder);
    if (name.endsWith(".manifest.json")) return checkManifest(bytes);
    if (/^anchors\/.*\.json$/.test(name)) { await checkSignature(bytes); return undefined; }
    if (name.startsWith("paths/")) return checkPath(bytes, folder);
    if (name.startsWith("custody/")) return checkCustody(bytes);
    return undefined;
  }

  async function checkSums(document, documentBytes, folder) {
    const rows = new Map(document.files.map((each) => [each.name, each.sha256]));
    rows.set("package.json", await sha256(documentBytes));
    const order = [...rows.keys()].sort();  // none has signs beyond the Basic Multilingual Plane
    const text = order.map((name) => `${rows.get(name)}  ${name}\n`).join("");
    if (new TextDecoder().decode(await read(folder, "SHA256SUMS")) !== text) throw new Wrong(say("sums"));
  }

  const results = document.querySelector("#results tbody"), verdict = document.getElementById("verdict");
  const counts = { right: 0, wrong: 0, open: 0 };

  function row(name, result, reason) {
    counts[result] += 1;
    const line = results.insertRow();
    line.dataset.result = result;
    for (const text of [name, say(result), reason]) line.insertCell().textContent = text || "";
    line.cells[1].className = { right: "good", wrong: "bad", open: "unsure" }[result];
  }

  async function judged(name, check) {
    verdict.textContent = say("checking", { name });
    try {
      row(name, "right", await check());
    } catch (error) {
      if (error instanceof Wrong) row(name, "wrong", error.message);
      else if (error instanceof Unknown) row(name, "open", error.message);
      else row(name, "wrong", say("unreadable"));
    }
  }

  async function checkAll(folder) {
    const bytes = await read(folder, "package.json");
    let listed;
    await judged("package.json", async () => { showKey(await checkSignature(bytes)); });
    try { listed = json(bytes); } catch { return; }
    await judged("SHA256SUMS", () => checkSums(listed, bytes, folder));
    for (const each of listed.files) {
      await judged(each.name, () => checkFile(each.name, each, listed, folder));
    }
    const known = ["package.json", "SHA256SUMS", ...listed.files.map((each) => each.name)];
    for (const name of folder.others(known)) row(name, "wrong", say("added"));
  }

  async function keyText(text) {
    const pem = text.match(/-----BEGIN PUBLIC KEY-----([^-]+)-----/);
    if (!pem) return text.trim().toLowerCase();
    return (await sha256(unbase64(pem[1].replace(/\s/g, "")).slice(-32))).slice(0, 16);
  }

  let signer = "";
  async function showKey(id) {
    signer = id;
    const place = document.getElementById("key"), text = document.getElementById("expected").value.trim();
    const kind = !text ? "key_open" : await keyText(text).catch(() => "") === id ? "key_same" : "key_other";
    place.textContent = `${say("key_is", { key: id })} ${say(kind)}`;
    place.className = { key_open: "unsure", key_same: "good", key_other: "bad" }[kind];
  }
  document.getElementById("expected").addEventListener("input", () => { if (signer) showKey(signer); });

  let last = Promise.resolve();
  const check = (files) => { last = last.then(() => checkNow(files)); };  // one after the other

  async function checkNow(files) {
    delete verdict.dataset.done;
    results.replaceChildren();
    Object.assign(counts, { right: 0, wrong: 0, open: 0 });
    signer = document.getElementById("key").textContent = "";
    document.getElementById("results").hidden = false;
    if (!globalThis.crypto?.subtle) return tell(say("no_crypto"), "unsure");
    const folder = new Folder(files);
    if (!folder.get("package.json")) return tell(say("no_document"), "unsure");
    await checkAll(folder);
    if (counts.wrong) return tell(say("some_wrong", { count: counts.wrong }), "bad");
    if (counts.open) return tell(say("some_open", { count: counts.open }), "unsure");
    return tell(say("all_right", { count: counts.right }), "good");
  }

  function tell(text, kind) {
    verdict.textContent = text;
    verdict.className = kind;
    verdict.dataset.done = kind;
  }

  async function filesOf(entry) {
    if (entry.isFile) {
      return [[entry.fullPath.slice(1), await new Promise((done, failed) => entry.file(done, failed))]];
    }
    const reader = entry.createReader(), found = [];
    for (;;) {  // a reader gives a hundred at a time
      const some = await new Promise((done, failed) => reader.readEntries(done, failed));
      if (!some.length) return (await Promise.all(found.map(filesOf))).flat();
      found.push(...some);
    }
  }

  const drop = document.getElementById("drop");
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const entries = Array.from(event.dataTransfer.items, (each) => each.webkitGetAsEntry()).filter(Boolean);
    check((await Promise.all(entries.map(filesOf))).flat());
  });
  for (const id of ["folder", "files"]) {
    const input = document.getElementById(id);
    input.addEventListener("change", () => {
      check(Array.from(input.files, (each) => [each.webkitRelativePath || each.name, each]));
    });
  }
  document.querySelector(".checker").hidden = false;
})();
