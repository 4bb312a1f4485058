package main

import identitylink "example.com/identity-link/clients/go"

// What a person reads instead of a refusal's reason.
const (
	beginAgain  = "This sign-in has ended, or began in another browser. Begin again."
	signInAgain = "Sign in again first: this needs a sign-in of the last minutes."
	changed     = "Your accounts have changed meanwhile. Look at them, and begin again."
	unavailable = "Signing in does not work at the moment. Try again later."
	notHere     = "There is no sign-in with that provider. Choose another one."
)

var sentences = map[identitylink.Reason]string{
	identitylink.ReasonConflictRetry:       changed,
	identitylink.ReasonEmailMissing:        "That account has no email. Choose one that has.",
	identitylink.ReasonEmailUnverified:     "The email of that account is not verified. Verify it there, and begin again.",
	identitylink.ReasonIdentityNotFound:    changed,
	identitylink.ReasonIdentityTaken:       changed,
	identitylink.ReasonLastIdentity:        "This is the only account with which you can sign in. Link another one first.",
	identitylink.ReasonLinkTicketInvalid:   beginAgain,
	identitylink.ReasonPrimaryIdentity:     "This is the account with which you began, so it stays. Unlink another one.",
	identitylink.ReasonProviderDisabled:    notHere,
	identitylink.ReasonProviderRejected:    "The provider did not sign you in. Begin again, or choose another one.",
	identitylink.ReasonProviderUnavailable: "The provider does not answer. Try again later, or choose another one.",
	identitylink.ReasonProviderUnknown:     notHere,
	identitylink.ReasonRegistrationClosed:  "There are no new users here. Sign in with an account that you used before.",
	identitylink.ReasonRequestInvalid:      beginAgain,
	identitylink.ReasonSignInInvalid:       beginAgain,
	identitylink.ReasonTooManyIdentities:   "You have too many accounts to link one more. Unlink one first.",
	identitylink.ReasonUserAbsorbed:        changed,
	identitylink.ReasonUserBlocked:         "This user is blocked. Write to the support.",
	identitylink.ReasonVersionMismatch:     changed,
}
