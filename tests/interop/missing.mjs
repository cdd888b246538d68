// Says what this machine lacks to run the chosen identity providers; then it exits with 1.

import { chosenPeers } from "./peers.mjs";

const sentences = chosenPeers.map((peer) => peer.missing()).filter(Boolean);
for (const sentence of sentences) console.error(sentence);
if (sentences.length > 0) process.exitCode = 1;
