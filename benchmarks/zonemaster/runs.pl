#!/usr/bin/perl
# Run Zonemaster-Engine as often as wanted: a JSON object a line on standard input says what to run, one on standard
# output what came of it. Each run is a process of its own, forked after the modules were loaded, with no memory of
# those before.
#
#   in   {"id": ..., "domain": ..., "hints": FILE, "profile": {...}, "ns": [["name", "address" or null], ...],
#         "ds": [{"keytag":, "algorithm":, "type":, "digest":}, ...], "limit_s": 900}
#   out  {"id": ..., "entries": [[level, testcase, tag, args], ...], "cpu_s": ..., "elapsed_s": ...,
#         "started_at": ..., "error": text or null}
use v5.26;
use warnings;

use JSON::XS;
use Time::HiRes qw(time);
use Zonemaster::Engine;
use Zonemaster::Engine::Normalization qw(normalize_name);
use Zonemaster::Engine::Profile;
use Zonemaster::Engine::Recursor;
use Zonemaster::Engine::Util qw(parse_hints);

my $json = JSON::XS->new->utf8->canonical->allow_blessed->convert_blessed;
$| = 1;
say $json->encode( { version => "$Zonemaster::Engine::VERSION" } );

while ( my $line = <STDIN> ) {
    my $wanted = $json->decode( $line );
    my $started = time;
    pipe( my $read, my $write ) or die "pipe: $!";
    my $child = fork() // die "fork: $!";
    if ( !$child ) {
        close $read;
        alarm( $wanted->{limit_s} // 900 );
        print {$write} $json->encode( run( $wanted ) );
        close $write;
        exit 0;
    }
    close $write;
    my $text = do { local $/; <$read> };
    waitpid $child, 0;
    my $outcome = $? == 0 && length $text ? $json->decode( $text ) : { entries => [], started_at => $started, error => "ended with status $?" };
    say $json->encode( { id => $wanted->{id}, elapsed_s => time - $started, %$outcome } );
}

sub run {
    my ( $wanted ) = @_;
    my $started = time;
    my $error;
    eval { test( $wanted ); 1 } or $error = "$@";
    my @entries =
      map { [ $_->level, $_->testcase, $_->tag, $_->args // {} ] } @{ Zonemaster::Engine->logger->entries };
    my ( $user, $system ) = times;
    return {
        started_at => $started,
        entries    => [ grep { $_->[0] !~ /^DEBUG[23]$/ } @entries ],
        error      => $error,
        cpu_s      => $user + $system
    };
}

# As zonemaster-cli does it.
sub test {
    my ( $wanted ) = @_;
    my $profile = Zonemaster::Engine::Profile->effective;
    my %given = %{ $wanted->{profile} // {} };
    if ( my $levels = $given{test_levels} ) {    # which it would replace as a whole
        my $all = $profile->get( 'test_levels' );
        $given{test_levels} = { %$all, map { $_ => { %{ $all->{$_} // {} }, %{ $levels->{$_} } } } keys %$levels };
    }
    $profile->merge( Zonemaster::Engine::Profile->from_json( $json->encode( \%given ) ) );
    my $domain = name( $wanted->{domain} );
    my $hints = do { local ( @ARGV, $/ ) = $wanted->{hints}; <> };
    Zonemaster::Engine::Recursor->remove_fake_addresses( '.' );
    Zonemaster::Engine::Recursor->add_fake_addresses( '.', parse_hints( $hints ) );
    if ( my @servers = @{ $wanted->{ns} // [] } ) {
        my %addresses;
        for my $server ( @servers ) {
            my ( $ns, $address ) = ( name( $server->[0] ), $server->[1] );
            if ( defined $address ) { push @{ $addresses{$ns} }, $address }
            elsif ( !exists $addresses{$ns} ) { $addresses{$ns} = undef }
        }
        Zonemaster::Engine->add_fake_delegation( $domain => \%addresses );
    }
    if ( my @ds = @{ $wanted->{ds} // [] } ) {
        Zonemaster::Engine->add_fake_ds( $domain => \@ds );
    }
    Zonemaster::Engine->test_zone( $domain );
    return;
}

sub name {
    my ( $text ) = @_;
    my ( $errors, $name ) = normalize_name( $text );
    die join( '; ', map { $_->string } @$errors ) . "\n" if @$errors;
    return "$name";
}
