// Search for the largest inner products: threads share the items, each keeps the best of its own.
#include "retrieval/topk.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "common/team.hpp"
#include "isa/isa.hpp"

namespace fieldfare {

namespace {

constexpr std::int64_t item_block = 192;       // of items, which then stay in the first-level cache
constexpr std::int64_t queries_at_once = 256;  // keeps the room of a call small
// Candidates beyond k: rounding differs between the kernels, and the last of the k are settled by
// sums in double precision.
constexpr std::int64_t spare = 16;

struct Found {
  float score;
  std::uint32_t id;
};

bool before(const Found& a, const Found& b) {
  return a.score > b.score || (a.score == b.score && a.id < b.id);
}

// The best of one query in the items of one thread. Kept unordered, and cut when full.
struct Best {
  std::vector<Found> found;
  std::size_t wanted = 0;

  explicit Best(std::size_t n) : wanted(n) { found.reserve(2 * n); }

  // Returns what a later item must be above; of equal scores the lower id, which came first, stays.
  float add(Found one, float bound) {
    found.push_back(one);
    return found.size() < 2 * wanted ? bound : cut();
  }
  float cut() {
    std::nth_element(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(wanted) - 1,
                     found.end(), before);
    found.resize(wanted);
    return found.back().score;
  }
};

double product(const float* a, const float* b, std::int64_t d) {
  double total = 0;
  for (std::int64_t j = 0; j < d; ++j) total += static_cast<double>(a[j]) * b[j];
  return total;
}

// What one thread needs, allocated before it starts.
struct Room {
  std::vector<Best> best;
  std::vector<float> bounds, block;
};

class Batch {
 public:
  Batch(const Search& search, std::int64_t first, std::int64_t n_threads)
      : search_(search),
        isa_(isa()),
        first_(first),
        n_queries_(std::min(queries_at_once, search.n_queries - first)),
        n_groups_((n_queries_ + query_group - 1) / query_group) {
    const auto wanted = static_cast<std::size_t>(std::min(search.k + spare, search.n_items));
    rooms_.resize(static_cast<std::size_t>(n_threads));
    for (Room& room : rooms_) {
      room.best.assign(static_cast<std::size_t>(n_queries_), Best(wanted));
      for (Best& best : room.best) best.found.reserve(2 * wanted);  // copies drop the room
      // Bounds of the queries that fill up the last group let nothing through.
      room.bounds.assign(static_cast<std::size_t>(n_groups_ * query_group),
                         std::numeric_limits<float>::infinity());
      std::fill_n(room.bounds.begin(), n_queries_, -std::numeric_limits<float>::infinity());
      room.block.resize(static_cast<std::size_t>(item_block * query_group));
    }
    if (n_queries_ > 1) pack();
  }

  void scan(std::int64_t begin, std::int64_t end, Room& room) const {
    for (std::int64_t at = begin; at < end; at += item_block) {
      const std::int64_t n = std::min(item_block, end - at);
      const float* items = search_.items + at * search_.d;
      if (n_queries_ == 1) {
        isa_.inner_products(items, n, search_.queries + first_ * search_.d, search_.d,
                            room.block.data());
        for (std::int64_t i = 0; i < n; ++i) offer(at + i, 0, room.block[i], room);
        continue;
      }
      for (std::int64_t group = 0; group < n_groups_; ++group) {
        isa_.grouped_products(items, n, packed_.data() + group * search_.d * query_group, search_.d,
                              room.block.data());
        const std::int64_t q = group * query_group;
        for (std::int64_t i = 0; i < n; ++i) {
          const float* scores = room.block.data() + i * query_group;
          if (!isa_.any_above(scores, room.bounds.data() + q, query_group)) continue;
          for (std::int64_t t = 0; t < query_group; ++t) offer(at + i, q + t, scores[t], room);
        }
      }
    }
  }

  void run() {
    run_team(static_cast<std::int64_t>(rooms_.size()), [&](Member& member) {
      Room& room = rooms_[static_cast<std::size_t>(member.number())];
      // Blocks stay whole, so that several threads compute what one would.
      const std::int64_t blocks = (search_.n_items + item_block - 1) / item_block;
      member.share(blocks, [&](std::int64_t begin, std::int64_t end) {
        scan(begin * item_block, std::min(end * item_block, search_.n_items), room);
      });
    });
    for (std::int64_t q = 0; q < n_queries_; ++q) finish(q);
  }

 private:
  void pack() {
    packed_.assign(static_cast<std::size_t>(n_groups_ * search_.d * query_group), 0.0F);
    for (std::int64_t q = 0; q < n_queries_; ++q) {
      const float* query = search_.queries + (first_ + q) * search_.d;
      float* to = packed_.data() + q / query_group * search_.d * query_group + q % query_group;
      for (std::int64_t j = 0; j < search_.d; ++j) to[j * query_group] = query[j];
    }
  }

  void offer(std::int64_t item, std::int64_t q, float score, Room& room) const {
    float& bound = room.bounds[static_cast<std::size_t>(q)];
    if (!(score > bound)) return;  // so that what is not a number is never found
    if (search_.allowed != nullptr && search_.allowed[item] == 0) return;
    const auto id = static_cast<std::uint32_t>(item);
    if (search_.excluded_indptr != nullptr) {
      const std::int64_t* span = search_.excluded_indptr + first_ + q;
      if (std::binary_search(search_.excluded + span[0], search_.excluded + span[1], id)) return;
    }
    bound = room.best[static_cast<std::size_t>(q)].add({score, id}, bound);
  }

  // Joins what the threads found, with scores in double precision.
  void finish(std::int64_t q) {
    std::vector<Found>& all = rooms_[0].best[static_cast<std::size_t>(q)].found;
    for (std::size_t t = 1; t < rooms_.size(); ++t) {
      const std::vector<Found>& more = rooms_[t].best[static_cast<std::size_t>(q)].found;
      all.insert(all.end(), more.begin(), more.end());
    }
    const std::size_t wanted = rooms_[0].best[static_cast<std::size_t>(q)].wanted;
    if (all.size() > wanted) {
      std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(wanted), all.end(),
                       before);
      all.resize(wanted);
    }
    const float* query = search_.queries + (first_ + q) * search_.d;
    for (Found& one : all) {
      one.score = static_cast<float>(product(search_.items + one.id * search_.d, query, search_.d));
    }
    std::sort(all.begin(), all.end(), before);
    std::int64_t* ids = search_.ids + (first_ + q) * search_.k;
    float* scores = search_.scores + (first_ + q) * search_.k;
    for (std::int64_t j = 0; j < search_.k; ++j) {
      const bool there = j < static_cast<std::int64_t>(all.size());
      ids[j] = there ? static_cast<std::int64_t>(all[static_cast<std::size_t>(j)].id) : -1;
      scores[j] =
          there ? all[static_cast<std::size_t>(j)].score : -std::numeric_limits<float>::infinity();
    }
  }

  const Search& search_;
  const Isa& isa_;
  std::int64_t first_, n_queries_, n_groups_;
  std::vector<Room> rooms_;
  std::vector<float> packed_;
};

}  // namespace

void search(const Search& search, std::int64_t n_threads) {
  const std::int64_t blocks = (search.n_items + item_block - 1) / item_block;
  n_threads = std::max<std::int64_t>(1, std::min(n_threads, blocks));
  for (std::int64_t first = 0; first < search.n_queries; first += queries_at_once) {
    Batch(search, first, n_threads).run();
  }
}

void score_items(const Search& search, const std::int64_t* chosen, std::int64_t width, float* out) {
  for (std::int64_t q = 0; q < search.n_queries; ++q) {
    for (std::int64_t j = q * width; j < (q + 1) * width; ++j) {
      out[j] = chosen[j] < 0 ? -std::numeric_limits<float>::infinity()
                             : static_cast<float>(product(search.items + chosen[j] * search.d,
                                                          search.queries + q * search.d, search.d));
    }
  }
}

}  // namespace fieldfare
