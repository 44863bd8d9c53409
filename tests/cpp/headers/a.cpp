// slidegate.hpp as the first thing in a file, twice, and in two files of one
// program: all it defines is inline.
#include <slidegate.hpp>
#include <slidegate.hpp>

slidegate::Endpoint none_in_b();

int main() { return slidegate::merchant_alone.id() == none_in_b().id() ? 0 : 1; }
