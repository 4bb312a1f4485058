package com.example.login;

import identitylink.v1.Identity;
import identitylink.v1.IdentityRef;
import identitylink.v1.SignInProvider;
import identitylink.v1.User;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What the templates ask of the providers and of the user.
 *
 * @param offered the providers with a button
 * @param names what people call the providers
 */
public record Page(List<SignInProvider> offered, Map<String, String> names) {
    public String name(String provider) {
        return names.getOrDefault(provider, provider);
    }

    public String namesOf(Collection<String> providers) {
        return providers.stream().map(this::name).collect(Collectors.joining(", "));
    }

    public String namesOfAccounts(Collection<IdentityRef> accounts) {
        return accounts.stream()
                .map(account -> name(account.getProvider()))
                .sorted()
                .collect(Collectors.joining(", "));
    }

    public String userName(User user) {
        return user.getProfile().containsFields("name")
                ? user.getProfile().getFieldsOrThrow("name").getStringValue()
                : "signed in";
    }

    public LocalDate day(Identity identity) {
        return LocalDate.ofInstant(Instant.ofEpochSecond(identity.getAttachTime().getSeconds()), ZoneOffset.UTC);
    }
}
