// What a person reads instead of a refusal's reason.

export const BEGIN_AGAIN = "This sign-in has ended, or began in another browser. Begin again.";
export const SIGN_IN_AGAIN = "Sign in again first: this needs a sign-in of the last minutes.";
export const CHANGED = "Your accounts have changed meanwhile. Look at them, and begin again.";
export const UNAVAILABLE = "Signing in does not work at the moment. Try again later.";
export const OTHER_SITE = "That form was not sent from a page of this site.";
export const TOO_LONG = "That form is too long.";
export const NO_PAGE = "There is no such page.";
const NOT_HERE = "There is no sign-in with that provider. Choose another one.";

export const SENTENCES = new Map([
  ["CONFLICT_RETRY", CHANGED],
  ["EMAIL_MISSING", "That account has no email. Choose one that has."],
  ["EMAIL_UNVERIFIED", "The email of that account is not verified. Verify it there, and begin again."],
  ["IDENTITY_NOT_FOUND", CHANGED],
  ["IDENTITY_TAKEN", CHANGED],
  ["LAST_IDENTITY", "This is the only account with which you can sign in. Link another one first."],
  ["LINK_TICKET_INVALID", BEGIN_AGAIN],
  ["PRIMARY_IDENTITY", "This is the account with which you began, so it stays. Unlink another one."],
  ["PROVIDER_DISABLED", NOT_HERE],
  ["PROVIDER_REJECTED", "The provider did not sign you in. Begin again, or choose another one."],
  ["PROVIDER_UNAVAILABLE", "The provider does not answer. Try again later, or choose another one."],
  ["PROVIDER_UNKNOWN", NOT_HERE],
  ["REGISTRATION_CLOSED", "There are no new users here. Sign in with an account that you used before."],
  ["REQUEST_INVALID", BEGIN_AGAIN],
  ["SIGN_IN_INVALID", BEGIN_AGAIN],
  ["TOO_MANY_IDENTITIES", "You have too many accounts to link one more. Unlink one first."],
  ["USER_ABSORBED", CHANGED],
  ["USER_BLOCKED", "This user is blocked. Write to the support."],
  ["VERSION_MISMATCH", CHANGED],
]);

/** A request that is refused with one sentence for the person. */
export class Refused extends Error {
  /** The status of the response. */
  status;

  constructor(sentence, status = 400) {
    super(sentence);
    this.status = status;
  }
}
