package com.example.login;

import identitylink.Client;
import identitylink.v1.CompleteSignInRequest;
import identitylink.v1.CompleteSignInResponse;
import identitylink.v1.IdentityRef;
import identitylink.v1.ListProvidersRequest;
import identitylink.v1.SignInDecision;
import identitylink.v1.SignInIntent;
import identitylink.v1.SignInProvider;
import identitylink.v1.StartSignInRequest;
import identitylink.v1.StartSignInResponse;
import identitylink.v1.UnlinkRequest;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseCookie;
import org.springframework.http.ResponseEntity;
import org.springframework.stereotype.Controller;
import org.springframework.ui.Model;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.util.WebUtils;

/** The routes. */
@Controller
class LoginController {
    private final Client client;
    private final Linking linking;
    private final Settings settings;

    LoginController(Client client, Linking linking, Settings settings) {
        this.client = client;
        this.linking = linking;
        this.settings = settings;
    }

    @GetMapping("/")
    String home(Visitor visitor, Model model) {
        Map<String, String> names = new HashMap<>();
        // A link by a service's token needs a sign-in too, so a provider that is link-only has no button.
        List<SignInProvider> offered = new ArrayList<>();
        for (SignInProvider each : client.listProvidersAll(ListProvidersRequest.getDefaultInstance())) {
            names.put(each.getProvider(), each.getDisplayName());
            if (each.getMode() == SignInProvider.Mode.MODE_SIGN_IN) {
                offered.add(each);
            }
        }
        Pending pending = visitor.login() == null ? null : visitor.login().pending();
        String page = "login";
        if (visitor.user() != null) {
            page = "settings";
            model.addAttribute("notice", visitor.login().takeNotice());
        } else if (pending != null && pending.kind() == Pending.Kind.CANDIDATES) {
            page = "candidates";
            // The candidates' providers only: an account of another one is not the one that was noticed.
            Set<String> theirs = new HashSet<>();
            pending.candidates().values().forEach(theirs::addAll);
            offered.removeIf(each -> !theirs.contains(each.getProvider()));
        } else if (pending != null) {
            page = "registration";
        }
        model.addAttribute("page", page).addAttribute("pending", pending).addAttribute("user", visitor.user());
        model.addAttribute("view", new Page(offered, names));
        return "page";
    }

    /** Starts an attempt, which returns to this backend. */
    private StartSignInResponse start(String provider) {
        return client.startSignIn(StartSignInRequest.newBuilder()
                .setProvider(provider)
                .setRedirectUri(settings.baseUrl() + "/callback/" + provider)
                .setSignIn(SignInIntent.getDefaultInstance())
                .build());
    }

    private ResponseEntity<Void> toProvider(HttpServletResponse response, StartSignInResponse started, String purpose) {
        String attempt = purpose + "." + started.getAttemptSecret();
        setCookie(response, settings.attemptCookie(), attempt, Settings.ATTEMPT_LIFE);
        return seeOther(started.getAuthorizationUrl());
    }

    @PostMapping("/sign-in")
    ResponseEntity<Void> signIn(@RequestParam String provider, HttpServletResponse response) {
        return toProvider(response, start(provider), "sign-in");
    }

    @GetMapping("/callback/{provider}")
    ResponseEntity<Void> callback(
            Visitor visitor,
            HttpServletRequest request,
            HttpServletResponse response,
            @RequestParam(defaultValue = "") String state,
            @RequestParam(defaultValue = "") String code,
            @RequestParam(defaultValue = "") String iss,
            @RequestParam(defaultValue = "") String error) {
        String[] attempt = cookie(request, settings.attemptCookie()).split("\\.", 2);
        String secret = attempt.length == 2 ? attempt[1] : "";
        RecentSignIn signedIn = attempt[0].equals("link") ? RecentSignIn.of(visitor, settings) : null;
        // A link ends in the session that began it.
        if (secret.isEmpty() || signedIn != null && !signedIn.login().linkSecret().equals(secret)) {
            throw new Refused(Sentences.BEGIN_AGAIN);
        }
        CompleteSignInResponse completed = client.completeSignIn(CompleteSignInRequest.newBuilder()
                .setAttemptSecret(secret)
                .setState(state)
                .setCode(code)
                .setIss(iss)
                .setError(error)
                // From the request that arrived: it shows which provider sent the browser.
                .setRedirectUri(settings.baseUrl() + request.getRequestURI())
                .setValidateOnly(signedIn != null)
                .build());
        setCookie(response, settings.attemptCookie(), "", Duration.ZERO);
        if (signedIn == null) {
            Visitors.begin(request, visitor.login(), completed.getDecision());
        } else {
            signedIn.login().linkSecret("");
            linking.preview(signedIn, completed);
        }
        return seeOther("/");
    }

    @PostMapping("/new-user")
    ResponseEntity<Void> newUser(Visitor visitor, HttpServletRequest request) {
        if (!visitor.waits()) {
            throw new Refused(Sentences.BEGIN_AGAIN);
        }
        SignInDecision decision = linking.resolve(visitor.login().pending().ticket());
        Visitors.begin(request, null, decision);
        return seeOther("/");
    }

    @PostMapping("/link")
    ResponseEntity<Void> link(RecentSignIn signedIn, @RequestParam String provider, HttpServletResponse response) {
        StartSignInResponse started = start(provider);
        signedIn.login().linkSecret(started.getAttemptSecret());
        return toProvider(response, started, "link");
    }

    @PostMapping("/link-pending")
    ResponseEntity<Void> linkPending(RecentSignIn signedIn) {
        linking.carryOut(signedIn);
        return seeOther("/");
    }

    @PostMapping("/forget")
    ResponseEntity<Void> forget(Visitor visitor) {
        if (visitor.user() != null) {
            visitor.login().takePending();
        }
        return seeOther("/");
    }

    @PostMapping("/unlink")
    ResponseEntity<Void> unlink(RecentSignIn signedIn, @RequestParam String provider, @RequestParam String subject) {
        client.unlink(UnlinkRequest.newBuilder()
                .setUserId(signedIn.user().getId())
                .setIdentity(IdentityRef.newBuilder().setProvider(provider).setSubject(subject))
                .build());
        signedIn.login().notice("Your account at " + provider + " is unlinked.");
        return seeOther("/");
    }

    @PostMapping("/sign-out")
    ResponseEntity<Void> signOut(HttpServletRequest request, HttpServletResponse response) {
        Visitors.end(request);
        setCookie(response, settings.sessionCookie(), "", Duration.ZERO);
        return seeOther("/");
    }

    /** Sets a cookie, beside those of the servlet: a header of a ResponseEntity would replace its session's. */
    private void setCookie(HttpServletResponse response, String name, String value, Duration life) {
        ResponseCookie cookie = ResponseCookie.from(name, value)
                .path("/")
                .maxAge(life)
                .secure(settings.secure())
                .httpOnly(true)
                .sameSite("Lax")
                .build();
        response.addHeader(HttpHeaders.SET_COOKIE, cookie.toString());
    }

    private static String cookie(HttpServletRequest request, String name) {
        var cookie = WebUtils.getCookie(request, name);
        return cookie == null ? "" : cookie.getValue();
    }

    private static ResponseEntity<Void> seeOther(String url) {
        return ResponseEntity.status(HttpStatus.SEE_OTHER).location(URI.create(url)).build();
    }
}
