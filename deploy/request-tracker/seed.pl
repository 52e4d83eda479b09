# What Hilferuf needs in Request Tracker: a queue, three custom fields, a user with few rights and a token. Load it with
#   rt-setup-database-5 --action insert --datafile seed.pl
# or do the same by hand (docs/request-tracker.md). Change the queue's name here and in hilferuf.yaml together.
use strict;
use warnings;
our (@Queues, @CustomFields, @Final);

my $queue_name = 'Social';

@Queues = (
    { Name => $queue_name, Description => 'Calls for help on social channels' },
    { Name => 'Billing',   Description => 'Where an agent may move a ticket to' },
    { Name => 'Legal',     Description => 'Where Hilferuf has no rights' },
);

# Custom fields are attached here because REST 2 of 5.0 cannot attach them.
@CustomFields = (
    {   Name => 'ExternalId', Type => 'FreeformSingle', LookupType => 'RT::Queue-RT::Ticket', Queue => $queue_name,
        UniqueValues => 1, Description => 'Hilferuf\'s id of the ticket',
    },
    {   Name => 'Rank', Type => 'FreeformSingle', LookupType => 'RT::Queue-RT::Ticket', Queue => $queue_name,
        Pattern => '(?#digits)^\d{0,10}$', Description => 'Place in the queue: sort descending',
    },
    {   Name => 'Label', Type => 'FreeformMultiple', LookupType => 'RT::Queue-RT::Ticket', Queue => $queue_name,
        Description => 'Hilferuf\'s id and the channel',
    },
);

@Final = (sub {
    my ($social, $billing, $legal)
        = map { my $queue = RT::Queue->new(RT->SystemUser); $queue->Load($_); $queue } $queue_name, 'Billing', 'Legal';

    my $account = sub {
        my ($name, $queues, @rights) = @_;
        my $user = RT::User->new(RT->SystemUser);
        my ($made, $why) = $user->Create(Name => $name, EmailAddress => "$name\@desk.example", Privileged => 1);
        die "user $name: $why\n" unless $made;
        for my $queue (@$queues) {
            for my $right (@rights) {
                my ($granted, $because) = $user->PrincipalObj->GrantRight(Right => $right, Object => $queue);
                die "right $right for $name: $because\n" unless $granted;
            }
        }
        my $token = RT::AuthToken->new(RT->SystemUser);
        my ($ok, $message, $secret) = $token->Create(Owner => $user->id, Description => 'made by seed.pl');
        die "token of $name: $message\n" unless $ok;
        print "TOKEN $name $secret\n";
    };

    # The least that the sink works with: it neither deletes nor owns nor administers.
    $account->('hilferuf', [$social, $billing], qw(SeeQueue ShowTicket ShowTicketComments CreateTicket ReplyToTicket CommentOnTicket
        ModifyTicket SeeCustomField ModifyCustomField SetInitialCustomField ShowOutgoingEmail));
    # A person at the desk, for trying things out.
    $account->('agent', [$social, $billing, $legal], qw(SeeQueue ShowTicket ShowTicketComments CreateTicket ReplyToTicket CommentOnTicket ModifyTicket
        DeleteTicket OwnTicket TakeTicket SeeCustomField ModifyCustomField SetInitialCustomField ShowOutgoingEmail));
});

1;
