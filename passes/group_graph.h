// The graph of groups that fuse merges: which group reads what of which, in a topological order
// that follows each merge.
#ifndef INGOT_PASSES_GROUP_GRAPH_H_
#define INGOT_PASSES_GROUP_GRAPH_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "ir/analysis/fusion_view.h"
#include "ir/module.h"

namespace ingot {

// What is to become a fusion.
struct FusionGroup {
  std::vector<Instruction*> members;  // in topological order; may share cheap members with others
  std::vector<Instruction*> roots;    // the results
};

// The view of the group: its inputs are in the order of first use.
FusionView ViewOf(const FusionGroup& group);

// Instructions by id, the order in which groups hold them.
bool ById(const Instruction* a, const Instruction* b);

// A vertex is a group, or an instruction of no group.  Instructions that cost a kernel nothing
// (free values, row-major reshapes), or that several groups hold, are of no vertex: each group that
// asks for one copies it.
class GroupGraph {
 public:
  // What looking for a path found.
  struct Path {
    enum class Kind : uint8_t { kNone, kFound, kTooFar } kind = Kind::kNone;
    int through = -1;          // kFound: the last vertex before the end
    int length = 0;            // of the interval that was to be looked at
    std::vector<int> between;  // kNone: what the first leads to before the second
  };

  GroupGraph(const Computation& computation, std::vector<FusionGroup> groups);

  // The vertices are numbered from 0; some are empty once merged into others.
  int size() const { return static_cast<int>(vertices_.size()); }
  // The members that are not copied, by id; empty for an instruction of no group.
  const std::vector<Instruction*>& OwnOf(int vertex) const { return vertices_[vertex].own; }
  // Whether a kernel can take in the group besides others: elements computed from elements or
  // reduced.
  bool IsOpen(int vertex) const { return vertices_[vertex].open; }
  // Null for a group.
  Instruction* ClosedOf(int vertex) const { return vertices_[vertex].closed; }
  int PositionOf(int vertex) const { return vertices_[vertex].position; }
  // The vertices in topological order.
  std::vector<int> InOrder() const;
  // The vertex of an instruction; -1 for what is copied.
  int VertexOf(const Instruction* instruction) const { return vertex_of_[instruction->id()]; }
  // The name that Outline gives the fusion: the last result's.
  std::string NameOf(int vertex) const;

  // The group of these members and what they ask for that is copied.
  FusionGroup GroupOf(const std::vector<Instruction*>& own) const;

  // The vertices that read values of this one, each once, those behind copies included.  Valid
  // until the graph changes.
  absl::Span<const int> ConsumersOf(int vertex);
  // The open groups that read `value`, or a copy of it, each once, by position; none where `value`
  // and its copies have more than `most` users.
  std::vector<int> ReadersOf(const Instruction* value, size_t most) const;

  // Whether a path other than an edge leads from `from` to `to`, which is behind it in the order.
  // Looks at what `from` leads to and stands between the two, at most 1,000 vertices, and at none
  // where `to` is all that `from` leads to; nor where the two are more than 10,000 vertices apart.
  Path FindPath(int from, int to);

  // `from`, which is before `to`, becomes part of it.  `both`: the members of the two.  `path`:
  // what FindPath said, kNone.  What `from` leads to comes behind `to`.
  void Merge(int from, int to, std::vector<Instruction*> both, const Path& path);
  // Members of `from` become members of `to`.
  void Move(int from, int to, const absl::flat_hash_set<const Instruction*>& moved);

  // The groups that are left, in the order of their vertices.  The graph is no longer usable.
  std::vector<FusionGroup> Take();

 private:
  struct Vertex {
    FusionGroup original;
    std::vector<Instruction*> own;
    bool changed = false;  // own is no longer what original has
    bool open = false;
    Instruction* closed = nullptr;
    int position = 0;  // in order_
    // ConsumersOf; vertices among them that were merged since are found through merged_into.
    std::vector<int> consumers;
    bool consumers_known = false;
    int merged_into = -1;
    int64_t mark = 0, path_mark = 0;  // of the last walk that met the vertex
  };

  std::vector<Instruction*> WithCopies(const std::vector<Instruction*>& own) const;
  bool IsUsedOutside(const Instruction* value,
                     const absl::flat_hash_set<const Instruction*>& inside) const;
  std::vector<int> FindConsumers(int vertex);
  // ConsumersOf, where vertices may stand for those that they were merged into.
  std::vector<int>& KnownConsumersOf(int vertex);
  int Resolve(int vertex);
  // Whether this walk meets the vertex for the first time.
  bool Mark(int vertex) { return std::exchange(vertices_[vertex].mark, walk_) != walk_; }
  void Reorder(int from, int to, absl::Span<const int> between);

  const Computation& computation_;
  std::vector<Vertex> vertices_;
  std::vector<int> vertex_of_;        // by instruction id; -1 for what is copied
  int64_t walk_ = 0, path_walk_ = 0;  // count walks over the graph
  std::vector<int> order_;  // the vertices, topologically; -1 where there is none any more
};

}  // namespace ingot

#endif  // INGOT_PASSES_GROUP_GRAPH_H_
