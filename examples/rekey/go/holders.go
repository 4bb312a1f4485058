package main

import pb "example.com/identity-link/clients/go/identitylinkv1"

// holders has the id of the user that now holds what was placed under an id; nil if that user is deleted.
type holders map[string]*string

// note notes an event. Events come in order, and each states the holder itself, not a change of it: so a
// repeated event does no harm.
func (h holders) note(event *pb.Event) {
	switch detail := event.GetDetail().(type) {
	case *pb.Event_UserLinked:
		linked := detail.UserLinked
		holder := linked.GetPrimary().GetUserId()
		h.set(linked.GetAbsorbed().GetUserId(), &holder)
		h.setAll(linked.GetRepointedUserIds(), &holder)
	case *pb.Event_UserUnlinked:
		h.back(detail.UserUnlinked.GetRestored(), detail.UserUnlinked.GetRepointedUserIds())
	case *pb.Event_LinkUndone:
		h.back(detail.LinkUndone.GetRestored(), detail.LinkUndone.GetRepointedUserIds())
	case *pb.Event_UserDeleted:
		h.set(detail.UserDeleted.GetUser().GetUserId(), nil)
		h.setAll(detail.UserDeleted.GetAbsorbedUserIds(), nil)
	}
}

// noteResolved notes what an id resolves to. An unknown id is left as it is: a token of another tenant
// must not take all orders away.
func (h holders) noteResolved(user *pb.ResolvedUser) {
	switch user.GetState() {
	case pb.ResolvedUser_STATE_CURRENT, pb.ResolvedUser_STATE_ABSORBED:
		holder := user.GetUserId()
		h.set(user.GetRequestedId(), &holder)
	case pb.ResolvedUser_STATE_DELETED:
		h.set(user.GetRequestedId(), nil)
	}
}

// back sets the holder of a user that came back, and of those that it had absorbed: itself.
func (h holders) back(restored *pb.UserChange, followers []string) {
	holder := restored.GetUserId()
	h.set(holder, &holder)
	h.setAll(followers, &holder)
}

func (h holders) setAll(ids []string, holder *string) {
	for _, id := range ids {
		h.set(id, holder)
	}
}

// set sets the holder of an id. What belonged to a deleted user is not given to the next user with its id.
func (h holders) set(id string, holder *string) {
	if known, has := h[id]; !has || known != nil {
		h[id] = holder
	}
}
