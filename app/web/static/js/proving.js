// An entry is checked here, by this browser: leaf hash, path to the root, signature (WebCrypto).
// Sources: RFC 6962 2.1 (hashes), RFC 9162 2.1.3.2 (path), C2SP tlog-proof and signed-note.

const KEPT = "muniment-vkey";
const bytes = (text) => new TextEncoder().encode(text);
const fromBase64 = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
const toHex = (array) => [...array].map((one) => one.toString(16).padStart(2, "0")).join("");

async function hash(prefix, ...parts) {
  const whole = [Uint8Array.of(prefix), ...parts].flatMap((part) => [...part]);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(whole)));
}

export function readProof(text) {
  const [head, ...rest] = text.split("\n\n");
  const note = rest.join("\n\n");
  const lines = head.split("\n").filter((line) => !line.startsWith("extra "));
  const index = /^index (0|[1-9][0-9]*)$/.exec(lines[1] ?? "");
  const [origin, size, root] = note.split("\n");
  if (lines[0] !== "c2sp.org/tlog-proof@v1" || !index || !/^[1-9][0-9]*$/.test(size ?? "")) {
    throw new Error("the proof is of another form");
  }
  return {
    index: BigInt(index[1]), hashes: lines.slice(2).map(fromBase64),
    origin, size: BigInt(size), root: fromBase64(root), note,
  };
}

export async function rootOf(leaf, proof) {
  let [at, last, node] = [proof.index, proof.size - 1n, leaf];
  if (at > last) throw new Error("the entry lies beyond the checkpoint");
  for (const beside of proof.hashes) {
    if (last === 0n) throw new Error("the path is too long");
    if (at % 2n === 1n || at === last) {
      node = await hash(1, beside, node);
      while (at % 2n === 0n && at !== 0n) { at /= 2n; last /= 2n; }
    } else node = await hash(1, node, beside);
    at /= 2n; last /= 2n;
  }
  if (last !== 0n) throw new Error("the path is too short");
  return node;
}

export async function isSigned(note, vkey) {
  const given = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(vkey.trim());
  if (!given) throw new Error("the key is of another form: name+8 hex digits+base64");
  const cut = note.lastIndexOf("\n\n") + 1;
  const text = bytes(note.slice(0, cut));
  for (const line of note.slice(cut + 1).split("\n")) {
    const signed = /^\u2014 (\S+) (\S+)$/.exec(line);
    if (!signed || signed[1] !== given[1]) continue;
    const blob = fromBase64(signed[2]);
    if (toHex(blob.slice(0, 4)) !== given[2]) continue;
    const raw = fromBase64(given[3]).slice(1);
    const key = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
    return crypto.subtle.verify({ name: "Ed25519" }, key, blob.slice(4), text);
  }
  return false;
}

async function check(place, tell) {
  const raw = bytes(document.querySelector("pre.bytes code").textContent);
  const leaf = await hash(0, raw);
  tell(`Leaf hash of the bytes on this page: ${toHex(leaf)}`);
  const answer = await fetch(place.dataset.proof);
  if (!answer.ok) throw new Error(`the server gave no proof (${answer.status})`);
  const proof = readProof(await answer.text());
  if (proof.index !== BigInt(place.dataset.index)) throw new Error("the proof is of another entry");
  const root = await rootOf(leaf, proof);
  if (toHex(root) !== toHex(proof.root)) throw new Error("the path does not lead to the root");
  tell(`The path of ${proof.hashes.length} hashes leads to the root of size ${proof.size}`);
  const field = place.querySelector("input");
  const mine = field.value.trim();
  const vkey = mine || (await (await fetch("/log/vkeys")).text()).split("\n")[0];
  if (!await isSigned(proof.note, vkey)) throw new Error("the checkpoint is not signed by this key");
  if (mine) localStorage.setItem(KEPT, mine);
  tell(`The checkpoint is signed by ${vkey}`);
  return mine
    ? "It is in the log, as the key that you gave says."
    : "It is in the log, as the key that this server gave says. Paste a key that came another way.";
}

export function proving(document) {
  const place = document.getElementById("proving");
  if (!place || !globalThis.crypto?.subtle) return;
  place.hidden = false;
  place.querySelector("input").value = localStorage.getItem(KEPT) ?? "";
  const [steps, verdict] = [place.querySelector("ol"), place.querySelector("[role=status]")];
  place.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    steps.replaceChildren();
    verdict.textContent = "Checking";
    const tell = (text) => {
      const step = document.createElement("li");
      step.textContent = text;
      steps.append(step);
    };
    try {
      verdict.textContent = await check(place, tell);
    } catch (problem) {
      verdict.textContent = `Not proven: ${problem.message}`;
    }
  });
}
