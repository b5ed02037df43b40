"""Why calls are placed: campaigns, their contacts, and every attempt to reach one."""
