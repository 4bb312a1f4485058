/**
 * A client of identity-link, the service that owns which identities belong to which user.
 *
 * <p>Begin with {@link identitylink.Client}. The messages are in {@code identitylink.v1}, and an exception for each
 * reason of a refusal in {@link identitylink.Reasons}.
 */
package identitylink;
