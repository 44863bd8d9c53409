/* slidegate.h as the first thing in a file, twice, and in two files of one
 * program: it defines nothing that could clash. */
#include <slidegate.h>
#include <slidegate.h>

uint32_t none_in_b(void);

int main(void)
{
    return SLG_ENDPOINT_NONE == none_in_b() ? 0 : 1;
}
