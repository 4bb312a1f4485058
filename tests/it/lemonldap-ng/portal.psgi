# The portal of LemonLDAP::NG for the environment's GIVEN (JSON: `folder` with its configuration, `accounts`). A request
# for /rotate replaces its key.
use strict;
use warnings;

use Crypt::OpenSSL::RSA;
use JSON;
use Lemonldap::NG::Portal::Main;
use Lemonldap::NG::Portal::Auth::Demo;
use Lemonldap::NG::Portal::UserDB::Demo;

# It loads a module of captchas also where no page has one, and its own module wants ImageMagick.
{
    package Lemonldap::NG::Portal::Captcha::None;
    use Mouse;
    extends 'Lemonldap::NG::Portal::Main::Plugin';
    sub init { 1 }
    $INC{'Lemonldap/NG/Portal/Captcha/None.pm'} = __FILE__;
}

my $given = decode_json( $ENV{GIVEN} );
my $keys  = 0;

# Its module of fixed accounts, with the accounts of the test. Each password is right.
%Lemonldap::NG::Portal::UserDB::Demo::demoAccounts = map {
    my $claims = $given->{accounts}{$_};
    $_ => {
        uid      => $_,
        cn       => $claims->{name},
        mail     => $claims->{email},
        verified => $claims->{email_verified} ? 1 : 0,
    }
} keys %{ $given->{accounts} };
{
    no warnings 'redefine';
    *Lemonldap::NG::Portal::Auth::Demo::authenticate =
      sub { Lemonldap::NG::Portal::Main::Constants::PE_OK() };
}

# Settings here come before those of the configuration.
sub portal {
    my $key    = Crypt::OpenSSL::RSA->generate_key(2048);
    my $portal = Lemonldap::NG::Portal::Main->new;
    $portal->init(
        {
            configStorage           => { type => 'File', dirName => $given->{folder} },
            captcha                 => '::Captcha::None',
            localSessionStorage     => '',
            logLevel                => 'error',
            logger                  => 'Lemonldap::NG::Common::Logger::Std',
            userLogger              => 'Lemonldap::NG::Common::Logger::Std',
            templateDir             => '/usr/share/lemonldap-ng/portal/templates',
            oidcServicePrivateKeySig => $key->get_private_key_string,
            oidcServicePublicKeySig  => $key->get_public_key_x509_string,
            oidcServiceKeyIdSig      => 'key' . ++$keys,
        }
    ) or die $portal->error;
    return $portal->run;
}

my $answer = portal();
sub {
    my ($env) = @_;
    if ( $env->{PATH_INFO} eq '/rotate' ) {
        $answer = portal();
        return [ 204, [], [] ];
    }
    return $answer->($env);
};
