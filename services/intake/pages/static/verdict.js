// The verdict of a result in the language of the page, by its codes and numbers.
import { _, boundary, ngettext, number } from "./words.js";

const GRADES = {
  do_not_use: () => _("Do not use it."), check_every_answer: () => _("Check every answer."),
  usable_with_review: () => _("Usable with review."), good: () => _("Good on photographs like these."),
};
const REASONS = {
  no_better_than_guessing: (told) => _("It is not clearly better than guessing: always answering the commonest class is right on {guessing}, and it may be right on no more than {low}.", told),
  worse_than_neighbours: (told) => _("Looking up the most similar of your photographs is right on {rival}, the network on {network}: it has learnt less than it was shown.", told),
  as_neighbours: (told) => _("It is often wrong, and no better than looking up the most similar of your photographs, which is right on {rival}.", told),
  often_wrong: (told) => _("It may be right on no more than {low} of new photographs.", told),
  class_missed: (told) => _("Of {name} it finds fewer than half: {found} of {tested}.", told),
  class_untested: (told) => _("{name} has no test photograph, so nobody knows whether it is found.", told),
  probabilities_off: (told) => _("The probabilities that it states are off by {error} on average.", told),
  copies_seen: () => _("Copies of test photographs were learnt from, so the test is easier than new photographs will be."),
  worse_as_delivered: () => _("The network that you receive reads your photographs less well than the test says."),
  not_surely_good: (told) => _("{accuracy} of the test photographs are read rightly; of new ones it may be {low}.", told),
  class_behind: (told) => _("{name} falls behind the other classes: {found} of {tested} are found.", told),
  class_hardly_tested: (told) => _("{name} was hardly tested: with {tested}, it may be found less than half the time.", told),
  good: (told) => _("At least {low} of photographs like these are read rightly, and every class is found.", told),
};

// Return { title, lead } of a result; null where the result is of an older version.
export function verdictOf({ verdict, test }) {
  const told = REASONS[verdict?.reason_code];
  if (!told || !GRADES[verdict.grade]) return null;
  const values = Object.entries(verdict.reason_values).map(([name, value]) => [name, shown(name, value)]);
  const right = test.confusion_matrix.reduce((sum, row, at) => sum + row[at], 0);
  const score = _("It recognised {right} of {count} test photographs.", { right: number(right), count: number(test.num_images) });
  return { title: GRADES[verdict.grade](), lead: `${told(Object.fromEntries(values))} ${score}` };
}

function shown(name, value) {
  if (name === "tested") return ngettext("one test photograph", "{count} test photographs", value);
  if (name === "found") return number(value);
  return typeof value === "number" ? boundary(value) : value;
}
