"""MongoDB, as io/users_mongo.c and io/recommendations_mongo.c use it: one document is atomic, a bulk is its documents
in any order, of which some may be written when the answer is lost."""
import collections

Last = collections.namedtuple("Last", "time items")
User = collections.namedtuple("User", "history last rev")


class Recommendation:
    """Never changes, but for its reward."""

    def __init__(self, history, items, previous, previous_reward):
        self.history, self.items, self.previous, self.previous_reward = history, items, previous, previous_reward
        self.reward = None


class Mongo:
    def __init__(self, moved):
        self.moved = moved                          # users are in several partitions: their rewards are not exact
        self.users, self.recommendations, self.wrong, self.tally = {}, {}, [], collections.Counter()

    def recommend(self, user, end, recommendation):
        """False = E11000."""
        if (user, end) in self.recommendations:
            self.tally["recommendations adopted"] += 1
            return False
        self.recommendations[user, end] = recommendation
        return True

    def reward(self, user, end, value):
        stored = self.recommendations.get((user, end))
        if stored is None: return
        if stored.reward not in (None, value) and not self.moved:
            self.wrong.append("I4: two rewards of %s@%d" % (user, end))
        stored.reward = value

    def write_user(self, name, rev, user, guarded=True):
        """Inserts (rev 0) or updates by rev. False = E11000, or no match."""
        old = self.users.get(name)
        if guarded and (old.rev if old else 0) != rev:
            self.tally["stale users refused"] += 1
            return False
        if old and user.last.time < old.last.time: self.wrong.append("I5: users.last of %s went back" % name)
        self.users[name] = user
        return True
