// Which job was trained again from which: known on this device alone, since the key of neither opens the other.
import { ROOT } from "./dom.js";

const KEY = "convtailor.kin";
const MOST = 20;

function known() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}

const addressOf = ({ id, token }) => `${ROOT}v1/jobs/${id}#${token}`;

// Remember a job that was trained again, and return its address.
export function rememberKin(id, token, made) {
  const pair = { first: { id, token }, second: { id: made.job_id, token: made.token } };
  const others = known().filter((each) => each.second.id !== pair.second.id);
  try {
    localStorage.setItem(KEY, JSON.stringify([pair, ...others].slice(0, MOST)));
  } catch {
    // a private window: then only the mail leads to it later
  }
  return addressOf(pair.second);
}

// Return the addresses of the jobs that were trained again from one, the newest first.
export const trainedFrom = (id) => known().filter((each) => each.first.id === id).map((each) => addressOf(each.second));

// Return the address of the job that one was trained again from; without its key where this device does not know it.
export function addressOfFirst(id, first) {
  const pair = known().find((each) => each.second.id === id);
  return pair ? addressOf(pair.first) : `${ROOT}v1/jobs/${first}`;
}

// Forget the keys of a job that is deleted.
export function forgetKin(id) {
  try {
    localStorage.setItem(KEY, JSON.stringify(known().filter((each) => each.first.id !== id && each.second.id !== id)));
  } catch {
    // nothing was remembered
  }
}
