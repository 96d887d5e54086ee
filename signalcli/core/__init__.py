"""The demo app: users, their profiles, and a notification. An app like any user's."""
