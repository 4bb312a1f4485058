package main

import (
	"context"
	"maps"

	identitylink "example.com/identity-link/clients/go"
	pb "example.com/identity-link/clients/go/identitylinkv1"
)

// others returns the accounts of a user, without the one that has just signed in.
func others(user *pb.User, decision *pb.SignInDecision) map[account]bool {
	found := map[account]bool{}
	for _, each := range user.GetIdentities() {
		if accountOf(each.GetIdentityRef()) != accountOf(decision.GetIdentity()) {
			found[accountOf(each.GetIdentityRef())] = true
		}
	}
	return found
}

// preview returns what a person has to agree to before the account that has just signed in is linked, and
// whether it has to be asked: if the account has a user, which would be absorbed.
func preview(ctx context.Context, client *identitylink.Client, user *pb.User, completed *pb.CompleteSignInResponse) (*pending, bool, error) {
	decision := completed.GetDecision()
	previewed := &pending{Kind: "link", ticket: completed.GetTicket(), Provider: decision.GetIdentity().GetProvider()}
	outcome := decision.GetOutcome()
	hasUser := outcome == pb.SignInDecision_OUTCOME_SIGNED_IN || outcome == pb.SignInDecision_OUTCOME_LINKED
	if !hasUser || decision.GetUser().GetId() == user.GetId() {
		return previewed, false, nil
	}
	// It is refused here, before the person is asked, if the two users cannot become one.
	_, err := client.Link(ctx, &pb.LinkRequest{
		UserId:       user.GetId(),
		Secondary:    &pb.LinkRequest_SecondaryUserId{SecondaryUserId: decision.GetUser().GetId()},
		ValidateOnly: true,
	})
	previewed.OtherUser, previewed.arriving = decision.GetUser().GetId(), others(decision.GetUser(), decision)
	return previewed, true, err
}

// carryOut links the account of a ticket, which is used up with any result.
func carryOut(ctx context.Context, client *identitylink.Client, user *pb.User, wanted *pending) error {
	if wanted == nil {
		return refused(beginAgain)
	}
	if wanted.Kind == "candidates" {
		return linkTicket(ctx, client, user, wanted.ticket)
	}
	decision, err := resolve(ctx, client, wanted.ticket)
	if err != nil {
		return err
	}
	for _, candidate := range decision.GetCandidates() {
		if candidate.GetUserId() == user.GetId() {
			return linkTicket(ctx, client, user, decision.GetTicket())
		}
	}
	if decision.GetTicket() != "" {
		// Its email suggests other users, or the tenant asks first: the person has decided.
		if decision, err = resolve(ctx, client, decision.GetTicket()); err != nil {
			return err
		}
	}
	other := decision.GetUser()
	if other.GetId() == user.GetId() {
		return nil
	}
	if decision.GetOutcome() != pb.SignInDecision_OUTCOME_CREATED {
		// The person agreed to this user with these accounts, and to no other.
		if other.GetId() != wanted.OtherUser || !maps.Equal(others(other, decision), wanted.arriving) {
			return refused(changed)
		}
	}
	version := other.GetVersion()
	_, err = client.Link(ctx, &pb.LinkRequest{
		UserId:                   user.GetId(),
		Secondary:                &pb.LinkRequest_Identity{Identity: decision.GetIdentity()},
		ExpectedSecondaryVersion: &version,
	})
	return err
}

func linkTicket(ctx context.Context, client *identitylink.Client, user *pb.User, ticket string) error {
	_, err := client.Link(ctx, &pb.LinkRequest{UserId: user.GetId(), Secondary: &pb.LinkRequest_LinkTicket{LinkTicket: ticket}})
	return err
}

func resolve(ctx context.Context, client *identitylink.Client, ticket string) (*pb.SignInDecision, error) {
	resolved, err := client.ResolveSignIn(ctx, &pb.ResolveSignInRequest{Proof: &pb.ResolveSignInRequest_SignInTicket{SignInTicket: ticket}})
	return resolved.GetDecision(), err
}
