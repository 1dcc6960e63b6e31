#include "layers/order.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "layers/quote.h"

namespace cobble::layers {

namespace {

/// The plan's services by number (in byte order of name) with their links as numbers.
class Graph {
 public:
  explicit Graph(const Plan& plan) {
    for (const auto& [name, service] : plan.services) {
      index_.emplace(name, services_.size());
      services_.push_back(&service);
    }
    requires_.resize(size());
    required_by_.resize(size());
    earlier_.resize(size());
    later_.resize(size());
    for (std::size_t i = 0; i < size(); ++i) {
      for (const std::string& name : services_[i]->requires_services) {
        if (const auto other = find(name)) {
          requires_[i].push_back(*other);
          required_by_[*other].push_back(i);
        }
      }
      for (const std::string& name : services_[i]->after) link(find(name), i);
    }
    // What is named in `after` comes first, in the order written there; then those that name the service in `before`.
    for (std::size_t i = 0; i < size(); ++i) {
      for (const std::string& name : services_[i]->before) {
        if (const auto other = find(name)) link(i, *other);
      }
    }
  }

  std::size_t size() const { return services_.size(); }
  const std::string& name(std::size_t i) const { return services_[i]->name; }
  std::optional<std::size_t> find(std::string_view name) const {
    const auto found = index_.find(name);
    return found == index_.end() ? std::nullopt : std::optional(found->second);
  }
  const std::vector<std::size_t>& required(std::size_t i) const { return requires_[i]; }
  const std::vector<std::size_t>& required_by(std::size_t i) const { return required_by_[i]; }
  /// What has to be started before a service, or, for stopping, what has to be stopped before it.
  const std::vector<std::size_t>& earlier(std::size_t i, bool stopping) const { return stopping ? later_[i] : earlier_[i]; }

 private:
  void link(std::optional<std::size_t> first, std::size_t second) {
    if (!first || *first == second) return;
    earlier_[second].push_back(*first);
    later_[*first].push_back(second);
  }

  std::vector<const Service*> services_;
  std::unordered_map<std::string_view, std::size_t> index_;
  std::vector<std::vector<std::size_t>> requires_;
  std::vector<std::vector<std::size_t>> required_by_;
  std::vector<std::vector<std::size_t>> earlier_;
  std::vector<std::vector<std::size_t>> later_;
};

using Numbers = std::vector<std::size_t>;

std::expected<Numbers, std::string> numbers_of(const Graph& graph, std::span<const std::string> names) {
  Numbers numbers;
  for (const std::string& name : names) {
    const auto number = graph.find(name);
    if (!number) return std::unexpected("service " + quote(name) + " does not exist");
    numbers.push_back(*number);
  }
  return numbers;
}

/// Everything that can be reached over `next`, as a set by number.
template <typename Next>
std::vector<bool> closure(const Graph& graph, Numbers pending, Next next) {
  std::vector<bool> in(graph.size(), false);
  for (const std::size_t i : pending) in[i] = true;
  while (!pending.empty()) {
    const std::size_t i = pending.back();
    pending.pop_back();
    for (const std::size_t other : next(i)) {
      if (in[other]) continue;
      in[other] = true;
      pending.push_back(other);
    }
  }
  return in;
}

/// Members of `in` so that each comes behind those that must be earlier; else by name. An explicit stack, since chains may be
/// thousands long.
Numbers ordered(const Graph& graph, const std::vector<bool>& in, bool stopping) {
  struct Visit {
    std::size_t service;
    std::size_t next = 0;
  };
  Numbers order;
  std::vector<bool> visited(graph.size(), false);
  std::vector<Visit> stack;
  for (std::size_t start = 0; start < graph.size(); ++start) {
    if (!in[start] || visited[start]) continue;
    visited[start] = true;
    stack.push_back({start});
    while (!stack.empty()) {
      Visit& visit = stack.back();
      const auto& earlier = graph.earlier(visit.service, stopping);
      if (visit.next == earlier.size()) {
        order.push_back(visit.service);
        stack.pop_back();
        continue;
      }
      const std::size_t other = earlier[visit.next++];
      if (!in[other] || visited[other]) continue;
      visited[other] = true;
      stack.push_back({other});
    }
  }
  return order;
}

/// Groups connected by `requires`, each a lane of its own; a lane's place is that of its first member.
Lanes lanes_of(const Graph& graph, const std::vector<bool>& in, const Numbers& order) {
  constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::vector<std::size_t> lane(graph.size(), none);
  std::size_t count = 0;
  for (const std::size_t first : order) {
    if (lane[first] != none) continue;
    Numbers pending{first};
    lane[first] = count;
    while (!pending.empty()) {
      const std::size_t i = pending.back();
      pending.pop_back();
      for (const auto* links : {&graph.required(i), &graph.required_by(i)}) {
        for (const std::size_t other : *links) {
          if (!in[other] || lane[other] != none) continue;
          lane[other] = count;
          pending.push_back(other);
        }
      }
    }
    ++count;
  }
  Lanes lanes(count);
  for (const std::size_t i : order) lanes[lane[i]].push_back(graph.name(i));
  return lanes;
}

}  // namespace

std::expected<Lanes, std::string> start_lanes(const Plan& plan, std::span<const std::string> names) {
  const Graph graph(plan);
  auto numbers = numbers_of(graph, names);
  if (!numbers) return std::unexpected(std::move(numbers.error()));
  const auto in = closure(graph, std::move(*numbers), [&](std::size_t i) -> const Numbers& { return graph.required(i); });
  return lanes_of(graph, in, ordered(graph, in, false));
}

std::expected<Lanes, std::string> stop_lanes(const Plan& plan, std::span<const std::string> names) {
  const Graph graph(plan);
  auto numbers = numbers_of(graph, names);
  if (!numbers) return std::unexpected(std::move(numbers.error()));
  const auto in = closure(graph, std::move(*numbers), [&](std::size_t i) -> const Numbers& { return graph.required_by(i); });
  return lanes_of(graph, in, ordered(graph, in, true));
}

std::expected<Lanes, std::string> stop_lanes_of_only(const Plan& plan, std::span<const std::string> names) {
  auto lanes = stop_lanes(plan, names);
  if (!lanes) return lanes;
  for (auto& lane : *lanes)
    std::erase_if(lane, [&](const std::string& name) { return std::ranges::find(names, name) == names.end(); });
  std::erase_if(*lanes, [](const auto& lane) { return lane.empty(); });
  return lanes;
}

std::optional<std::vector<std::string>> find_order_loop(const Plan& plan) {
  const Graph graph(plan);
  // Tarjan's strongly connected components, with an explicit stack; the component with the smallest name wins.
  constexpr std::size_t none = static_cast<std::size_t>(-1);
  struct Visit {
    std::size_t service;
    std::size_t next = 0;
  };
  Numbers index(graph.size(), none);
  Numbers low(graph.size(), 0);
  std::vector<bool> on_path(graph.size(), false);
  Numbers path;
  std::size_t counter = 0;
  std::optional<Numbers> best;
  for (std::size_t start = 0; start < graph.size(); ++start) {
    if (index[start] != none) continue;
    std::vector<Visit> stack{{start}};
    while (!stack.empty()) {
      Visit& visit = stack.back();
      const std::size_t i = visit.service;
      if (visit.next == 0 && index[i] == none) {
        index[i] = low[i] = counter++;
        path.push_back(i);
        on_path[i] = true;
      }
      const auto& earlier = graph.earlier(i, false);
      if (visit.next < earlier.size()) {
        const std::size_t other = earlier[visit.next++];
        if (index[other] == none) {
          stack.push_back({other});
        } else if (on_path[other]) {
          low[i] = std::min(low[i], index[other]);
        }
        continue;
      }
      if (low[i] == index[i]) {
        Numbers component;
        do {
          component.push_back(path.back());
          on_path[path.back()] = false;
          path.pop_back();
        } while (component.back() != i);
        std::ranges::sort(component);
        if (component.size() > 1 && (!best || component.front() < best->front())) best = std::move(component);
      }
      stack.pop_back();
      if (!stack.empty()) low[stack.back().service] = std::min(low[stack.back().service], low[i]);
    }
  }
  if (!best) return std::nullopt;
  std::vector<std::string> names;
  for (const std::size_t i : *best) names.push_back(graph.name(i));
  return names;
}

}  // namespace cobble::layers
