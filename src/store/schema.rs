//! The tables in diesel's form. Written by hand to match `migrations/`; a test compares it with the
//! database. Generated columns, which only constraints use, are left out.

diesel::table! {
    users (tenant_id, id) {
        tenant_id -> Text,
        id -> Text,
        version -> BigInt,
        identities_version -> BigInt,
        create_time -> Timestamptz,
        update_time -> Timestamptz,
        absorbed_into -> Nullable<Text>,
        absorbed_by_link -> Nullable<Uuid>,
        absorbed_time -> Nullable<Timestamptz>,
        ancestors -> Nullable<Array<Text>>,
        primary_provider -> Text,
        primary_subject -> Text,
        user_metadata -> Jsonb,
        app_metadata -> Jsonb,
        profile_overrides -> Jsonb,
        blocked -> Bool,
        tokens_valid_from -> Nullable<Timestamptz>,
        spared_token -> Nullable<Binary>,
        writes_valid_from -> Nullable<Timestamptz>,
        alias_of -> Nullable<Text>,
    }
}

diesel::table! {
    identities (tenant_id, provider, subject) {
        tenant_id -> Text,
        provider -> Text,
        subject -> Text,
        owner_id -> Text,
        home_id -> Text,
        ordinal -> Integer,
        connection -> Text,
        social -> Bool,
        email -> Nullable<Text>,
        email_canonical -> Nullable<Text>,
        email_verified -> Bool,
        email_verify_time -> Nullable<Timestamptz>,
        email_verifier -> Nullable<Jsonb>,
        email_proven_since -> Nullable<Timestamptz>,
        email_proven_among -> Bool,
        email_changed -> Bool,
        profile_data -> Jsonb,
        attach_time -> Timestamptz,
        attached_by_link -> Nullable<Uuid>,
        owner_since -> Nullable<Timestamptz>,
        moved_by_proof -> Bool,
        vouched -> Bool,
        tokens_valid_from -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    links (tenant_id, id) {
        tenant_id -> Text,
        id -> Uuid,
        primary_id -> Text,
        secondary_id -> Nullable<Text>,
        primary_version -> BigInt,
        secondary_version -> Nullable<BigInt>,
        terms -> Jsonb,
        moved -> Jsonb,
        changes -> Jsonb,
        effects -> Jsonb,
        withheld -> Jsonb,
        discard_time -> Nullable<Timestamptz>,
        actor -> Jsonb,
        proof -> Jsonb,
        proof_hash -> Nullable<Binary>,
        request_id -> Nullable<Uuid>,
        link_time -> Timestamptz,
        undo_time -> Nullable<Timestamptz>,
        undo_actor -> Nullable<Jsonb>,
        plan_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    tombstones (tenant_id, id_hash) {
        tenant_id -> Text,
        id_hash -> Binary,
        delete_time -> Timestamptz,
        returnable -> Bool,
        deleted -> Bool,
        released_by -> Nullable<Array<Text>>,
    }
}

diesel::table! {
    erasures (tenant_id, id) {
        tenant_id -> Text,
        id -> Uuid,
        user_ids -> Array<Text>,
        identities -> Array<Text>,
        link_ids -> Array<Uuid>,
        delete_time -> Timestamptz,
    }
}

diesel::table! {
    event_tokens (tenant_id, jti_hash) {
        tenant_id -> Text,
        jti_hash -> Binary,
        token_hash -> Binary,
        expire_time -> Timestamptz,
    }
}

diesel::table! {
    console_attempts (tenant_id, state_hash) {
        tenant_id -> Text,
        state_hash -> Binary,
        secret_hash -> Binary,
        nonce -> Text,
        pkce_verifier -> Text,
        return_to -> Text,
        expire_time -> Timestamptz,
    }
}

diesel::table! {
    console_sessions (tenant_id, token_hash) {
        tenant_id -> Text,
        token_hash -> Binary,
        issuer -> Text,
        subject -> Text,
        name -> Text,
        role -> Text,
        sign_in_time -> Timestamptz,
        idle_time -> Timestamptz,
        expire_time -> Timestamptz,
    }
}

diesel::table! {
    console_looks (tenant_id, id) {
        tenant_id -> Text,
        id -> Uuid,
        look_time -> Timestamptz,
        expire_time -> Timestamptz,
        session_hash -> Binary,
        issuer -> Text,
        subject -> Text,
        role -> Text,
        page -> Text,
        user_id -> Nullable<Text>,
        reason -> Nullable<Text>,
    }
}

diesel::table! {
    request_ids (tenant_id, rpc, caller_kind, issuer, subject, request_id) {
        tenant_id -> Text,
        rpc -> Text,
        caller_kind -> Text,
        issuer -> Text,
        subject -> Text,
        request_id -> Uuid,
        fingerprint -> Binary,
        answer -> Binary,
        concerned -> Array<Text>,
        caller_user_id -> Nullable<Text>,
        expire_time -> Timestamptz,
    }
}

diesel::table! {
    sign_in_attempts (tenant_id, state_hash) {
        tenant_id -> Text,
        state_hash -> Binary,
        secret_hash -> Binary,
        provider -> Text,
        user_id -> Nullable<Text>,
        nonce -> Text,
        pkce_verifier -> Text,
        redirect_uri -> Text,
        max_age -> Nullable<BigInt>,
        expire_time -> Timestamptz,
        claimed_by -> Nullable<Binary>,
        claim_time -> Nullable<Timestamptz>,
        interrupted -> Bool,
        rejected -> Bool,
        subject -> Nullable<Text>,
        account -> Nullable<Jsonb>,
        sign_in_time -> Nullable<Timestamptz>,
        prove_time -> Nullable<Timestamptz>,
        owner_id -> Nullable<Text>,
        owner_version -> Nullable<BigInt>,
        scopes -> Nullable<Array<Text>>,
    }
}

diesel::table! {
    sign_in_tickets (tenant_id, hash) {
        tenant_id -> Text,
        hash -> Binary,
        purpose -> Text,
        provider -> Text,
        subject -> Text,
        account -> Jsonb,
        sign_in_time -> Nullable<Timestamptz>,
        owner_id -> Nullable<Text>,
        owner_version -> Nullable<BigInt>,
        candidate_ids -> Array<Text>,
        candidate_versions -> Array<BigInt>,
        issue_time -> Timestamptz,
        expire_time -> Timestamptz,
    }
}

diesel::table! {
    provider_issuers (tenant_id, provider) {
        tenant_id -> Text,
        provider -> Text,
        issuer -> Text,
        pin_time -> Timestamptz,
    }
}

diesel::table! {
    tenant_keys (tenant_id) {
        tenant_id -> Text,
        key -> Binary,
    }
}

diesel::table! {
    events (tenant_id, epoch, xid, ordinal) {
        tenant_id -> Text,
        epoch -> Integer,
        xid -> BigInt,
        ordinal -> SmallInt,
        user_id -> Nullable<Text>,
        other_user_id -> Nullable<Text>,
        actor -> Jsonb,
        request_id -> Nullable<Uuid>,
        detail -> Jsonb,
        event_time -> Timestamptz,
    }
}

diesel::table! {
    epochs (n) {
        n -> Integer,
        cluster -> Text,
        begin_time -> Timestamptz,
    }
}

diesel::table! {
    event_floors (tenant_id) {
        tenant_id -> Text,
        epoch -> Integer,
        xid -> BigInt,
        ordinal -> SmallInt,
        event_time -> Timestamptz,
    }
}

diesel::table! {
    import_runs (tenant_id, id) {
        tenant_id -> Text,
        id -> Uuid,
        rows -> BigInt,
        created -> BigInt,
        present -> BigInt,
        skipped -> BigInt,
        refused -> BigInt,
        report_bytes -> BigInt,
        ids_bytes -> BigInt,
        begin_time -> Timestamptz,
        update_time -> Timestamptz,
        end_time -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    jobs (tenant_id, id) {
        tenant_id -> Text,
        id -> Uuid,
        kind -> Text,
        settings -> Jsonb,
        actor -> Jsonb,
        position -> Nullable<Jsonb>,
        done -> BigInt,
        total -> Nullable<BigInt>,
        counts -> Jsonb,
        lines -> BigInt,
        figures -> Nullable<Jsonb>,
        outcome -> Nullable<Text>,
        lease_owner -> Nullable<Uuid>,
        lease_until -> Nullable<Timestamptz>,
        create_time -> Timestamptz,
        start_time -> Nullable<Timestamptz>,
        cancel_time -> Nullable<Timestamptz>,
        end_time -> Nullable<Timestamptz>,
        expire_time -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    job_lines (tenant_id, job_id, number) {
        tenant_id -> Text,
        job_id -> Uuid,
        number -> BigInt,
        line -> Text,
        concerned -> Array<Text>,
    }
}

diesel::table! {
    provider_moves (tenant_id, id) {
        tenant_id -> Text,
        id -> Uuid,
        provider -> Text,
        from_issuer -> Text,
        to_issuer -> Text,
        operator -> Text,
        mapping -> Nullable<Binary>,
        keeps_unmapped -> Bool,
        rows -> BigInt,
        renamed -> BigInt,
        kept -> BigInt,
        deleted -> BigInt,
        unknown -> BigInt,
        begin_time -> Timestamptz,
        end_time -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    provider_tokens (tenant_id, provider, subject) {
        tenant_id -> Text,
        provider -> Text,
        subject -> Text,
        issuer -> Text,
        key_id -> Text,
        sealed -> Binary,
        scopes -> Array<Text>,
        refreshable -> Bool,
        expire_time -> Nullable<Timestamptz>,
        keep_time -> Timestamptz,
        lease_owner -> Nullable<Uuid>,
        lease_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    provider_token_revocations (tenant_id, id) {
        tenant_id -> Text,
        id -> Uuid,
        provider -> Text,
        issuer -> Text,
        binding -> Binary,
        key_id -> Text,
        sealed -> Binary,
        tries -> Integer,
        next_time -> Timestamptz,
        create_time -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(erasures, links);
